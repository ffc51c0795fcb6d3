package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"meshchatx/internal/store"
	"meshchatx/lxmf/router"
)

// RefusalView is how often something was refused for one reason.
type RefusalView struct {
	Reason string `json:"reason" enum:"blocked,ignored,blackholed,not_listed,stranger,stranger_files,word,size,stamp,flood"`
	Count  int64  `json:"count" format:"int64"`
}

// PolicyView is what an identity receives at present, beyond its settings.
type PolicyView struct {
	StampCost  int           `json:"stamp_cost" doc:"Bits of work strangers are asked for at present; 0: none."`
	Flood      int           `json:"flood" doc:"Steps of the answer to a flood that are in force; 0: no flood."`
	FloodSince int64         `json:"flood_since,omitempty" format:"int64" doc:"When the last step was taken."`
	Refused    []RefusalView `json:"refused" doc:"What was refused since the identity came online."`
	Blocked    int           `json:"blocked" doc:"Addresses on this list; likewise the next two."`
	Allowed    int           `json:"allowed"`
	Ignored    int           `json:"ignored"`
}

type policyOutput struct{ Body PolicyView }

// ListedView is an address on a list of the policy.
type ListedView struct {
	Address  string `json:"address"`
	Identity string `json:"identity,omitempty" doc:"Who owns it, where an announce told."`
	Name     string `json:"name"`
	Note     string `json:"note"`
	Since    int64  `json:"since" format:"int64"`
}

type policyListInput struct {
	IdentityPath
	List string `path:"list" enum:"allowed,ignored" doc:"allowed: always accepted, whatever is asked of strangers. ignored: not heard, and not told."`
}
type policyListOutput struct {
	Body struct {
		Items []ListedView `json:"items" doc:"The latest first."`
	}
}

// PolicyPath names an address on a list of the policy.
type PolicyPath struct {
	PeerPath
	List string `path:"list" enum:"allowed,ignored"`
}
type policyPutInput struct {
	PolicyPath
	Body struct {
		Note string `json:"note,omitempty" maxLength:"1000"`
	}
}

// Refusals is what policy refused since an identity came online, and what strangers are
// asked for.
type Refusals func() (by map[router.Cause]uint64, cost int, flood router.FloodState)

func (s *Server) registerPolicy(a huma.API) {
	const tag, base = "people", "/identities/{identity}/policy"
	huma.Register(a, operation("get-policy", get, base, tag, ok, "What is refused, and what strangers are asked for"), s.getPolicy)
	huma.Register(a, operation("list-policy", get, base+"/{list}", tag, ok, "Addresses that are always accepted, or not heard"), s.listPolicy)
	huma.Register(a, operation("put-policy", put, base+"/{list}/{peer}", tag, noContent, "Put an address on a list, with everything its identity owns"), s.putPolicy)
	huma.Register(a, operation("delete-policy", remove, base+"/{list}/{peer}", tag, noContent, "Take an address off a list"), s.deletePolicy)
}

var policyLists = map[string]store.List{"allowed": store.ListAllowed, "ignored": store.ListIgnored}

func (s *Server) getPolicy(ctx context.Context, in *IdentityPath) (*policyOutput, error) {
	sc, err := s.scope(ctx, *in)
	if err != nil {
		return nil, err
	}
	by, cost, flood := sc.Refusals()
	v := PolicyView{StampCost: cost, Flood: flood.Level, Refused: []RefusalView{}}
	if flood.Level > 0 {
		v.FloodSince = ms(flood.Since)
	}
	for _, why := range []router.Cause{
		router.CauseBlocked, router.CauseIgnored, router.CauseBlackholed, router.CauseNotListed, router.CauseStranger,
		router.CauseStrangerFiles, router.CauseWord, router.CauseSize, router.CauseStamp, router.CauseFlood,
	} {
		if n := by[why]; n > 0 {
			v.Refused = append(v.Refused, RefusalView{Reason: string(why), Count: int64(min(n, 1<<62))})
		}
	}
	blocked, err := sc.Contacts.Blocked(ctx)
	if err != nil {
		return nil, s.problem(err)
	}
	v.Blocked = len(blocked)
	for list, to := range map[store.List]*int{store.ListAllowed: &v.Allowed, store.ListIgnored: &v.Ignored} {
		all, err := sc.Policy.List(ctx, list)
		if err != nil {
			return nil, s.problem(err)
		}
		*to = len(all)
	}
	return &policyOutput{v}, nil
}

func (s *Server) listPolicy(ctx context.Context, in *policyListInput) (*policyListOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	all, err := sc.Policy.List(ctx, policyLists[in.List])
	if err != nil {
		return nil, s.problem(err)
	}
	out := &policyListOutput{}
	out.Body.Items = []ListedView{}
	for _, a := range all {
		name, err := s.name(ctx, sc, a.Addr)
		if err != nil {
			return nil, s.problem(err)
		}
		v := ListedView{Address: a.Addr.Hex(), Name: name, Note: a.Note, Since: ms(a.Since)}
		if !a.Identity.IsZero() {
			v.Identity = a.Identity.Hex()
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, nil
}

func (s *Server) putPolicy(ctx context.Context, in *policyPutInput) (*struct{}, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return nil, s.problem(sc.Policy.Put(ctx, policyLists[in.List], in.peer(), in.Body.Note))
}

func (s *Server) deletePolicy(ctx context.Context, in *PolicyPath) (*struct{}, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return nil, s.problem(sc.Policy.Remove(ctx, policyLists[in.List], in.peer()))
}
