package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"meshchatx/internal/auth"
	"meshchatx/internal/event"
	"meshchatx/internal/interfaces"
	"meshchatx/internal/settings"
)

const apiVersion = 1

func (s *Server) getStatus(context.Context, *struct{}) (*statusOutput, error) {
	problems := []StatusProblem{}
	if s.conf.Problems != nil {
		problems = append(problems, s.conf.Problems()...)
	}
	return &statusOutput{Status{
		Product: "meshchatx", Version: s.conf.Version, API: apiVersion, Ready: s.conf.Ready(),
		StartedAt: ms(s.conf.StartedAt), Instance: s.conf.Instance, Access: "token", Problems: problems,
	}}, nil
}

// Resolve implements huma.Resolver: signing in depends on where from.
func (in *createSessionInput) Resolve(ctx huma.Context) []error {
	r, _ := humago.Unwrap(ctx)
	in.client = auth.ClientOf(r)
	return nil
}

func (s *Server) createSession(ctx context.Context, in *createSessionInput) (*createSessionOutput, error) {
	g, err := s.conf.Auth.Exchange(ctx, in.Body.Token, in.client)
	if err != nil {
		return nil, s.problem(err)
	}
	s.conf.Bus.Publish(event.Event{Type: event.SessionsChanged})
	return &createSessionOutput{
		SetCookie: s.conf.Guard.Cookie(g.Token).String(),
		Body:      NewSession{Session: sessionView(g.Session, g.Session.ID), SecondToken: g.Second},
	}, nil
}

func (s *Server) getSession(ctx context.Context, _ *struct{}) (*sessionOutput, error) {
	session, ok := auth.SessionFrom(ctx)
	if !ok {
		return nil, s.problem(auth.ErrNoSession)
	}
	return &sessionOutput{sessionView(session, session.ID)}, nil
}

func (s *Server) endSession(ctx context.Context, _ *struct{}) (*endSessionOutput, error) {
	if session, ok := auth.SessionFrom(ctx); ok {
		if err := s.conf.Auth.Revoke(ctx, session.ID); err != nil {
			return nil, s.problem(err)
		}
		s.conf.Bus.Publish(event.Event{Type: event.SessionsChanged})
	}
	return &endSessionOutput{SetCookie: s.conf.Guard.ClearCookie().String()}, nil
}

func (s *Server) listSessions(ctx context.Context, _ *struct{}) (*sessionListOutput, error) {
	current, _ := auth.SessionFrom(ctx)
	out := &sessionListOutput{}
	out.Body.Items = list(s.conf.Auth.List(), func(v auth.Session) SessionView { return sessionView(v, current.ID) })
	return out, nil
}

func (s *Server) revokeSession(ctx context.Context, in *SessionPath) (*struct{}, error) {
	for _, v := range s.conf.Auth.List() {
		if v.ID.String() == in.Session {
			err := s.conf.Auth.Revoke(ctx, v.ID)
			s.conf.Bus.Publish(event.Event{Type: event.SessionsChanged})
			return nil, s.problem(err)
		}
	}
	return nil, NewProblem(http.StatusNotFound, "not_found", "no such session")
}

func sessionView(v auth.Session, current auth.SessionID) SessionView {
	return SessionView{
		ID: v.ID.String(), Current: v.ID == current, CreatedAt: ms(v.CreatedAt), SeenAt: ms(v.SeenAt),
		ExpiresAt: ms(v.ExpiresAt), Address: v.Address, UserAgent: v.UserAgent,
	}
}

func (s *Server) getSetup(ctx context.Context, _ *struct{}) (*setupOutput, error) {
	all, err := s.conf.Identities.List(ctx)
	if err != nil {
		return nil, s.problem(err)
	}
	probes, err := s.conf.Interfaces.Probes(ctx)
	if err != nil {
		return nil, s.problem(err)
	}
	v := Setup{Step: "identity_ready", Done: s.conf.Settings.Bool(settings.KeySetupDone), Network: list(probes, probeView)}
	for _, id := range all {
		if v.Identity == "" && id.Enabled {
			v.Identity = id.Hash.Hex()
			v.NameSet = id.Name != ""
		}
	}
	v.NetworkChosen = slices.ContainsFunc(probes, func(p interfaces.Probe) bool { return p.Interface != "" })
	switch {
	case v.Done:
		v.Step = "done"
	case v.NetworkChosen && v.NameSet:
		v.Step = "network_chosen"
	case v.NameSet:
		v.Step = "name_set"
	}
	return &setupOutput{v}, nil
}

func probeView(p interfaces.Probe) NetworkProbe {
	return NetworkProbe{
		Kind: p.Kind, Available: p.Available, Suggested: p.Suggested, State: p.State, Code: p.Code,
		Interface: p.Interface, Devices: list(p.Devices, func(d string) string { return d }), Peers: p.Peers,
		Interfaces: p.Interfaces, Paths: p.Paths,
	}
}

func (s *Server) updateSetup(ctx context.Context, in *updateSetupInput) (*setupOutput, error) {
	if in.Body.Nearby != nil {
		if err := s.conf.Interfaces.SetNearby(ctx, *in.Body.Nearby); err != nil {
			return nil, s.problem(err)
		}
	}
	if in.Body.Done != nil {
		err := s.conf.Settings.Keep(ctx, settings.Changes{settings.KeySetupDone: settings.BoolValue(*in.Body.Done)})
		if err != nil {
			return nil, s.problem(err)
		}
	}
	s.conf.Bus.Publish(event.Event{Type: setupChanged})
	return s.getSetup(ctx, nil)
}

func (s *Server) listSettings(context.Context, *struct{}) (*settingsOutput, error) {
	return settingsView(s.conf.Settings), nil
}

func (s *Server) updateSettings(ctx context.Context, in *updateSettingsInput) (*settingsOutput, error) {
	if err := s.conf.Settings.Change(ctx, changes(in.Body)); err != nil {
		return nil, s.problem(err)
	}
	s.conf.Bus.Publish(event.Event{Type: event.SettingsChanged})
	return settingsView(s.conf.Settings), nil
}

func changes(in SettingsChanges) settings.Changes {
	out := make(settings.Changes, len(in.Items))
	for _, c := range in.Items {
		var v settings.Value // the zero value resets
		if c.Value != nil {
			v = c.Value.Value
		}
		out[settings.Key(c.Key)] = v
	}
	return out
}

func settingsView(set *settings.Set) *settingsOutput {
	now := set.Values()
	out := &settingsOutput{}
	out.Body.Items = list(set.Table(), func(d settings.Setting) SettingView {
		v := SettingView{
			Key: string(d.Key), Scope: d.Scope.String(), Category: string(d.Category), Type: d.Kind.String(),
			Value: SettingValue{now.Get(d.Key)}, Default: SettingValue{d.Default}, Modified: now.Modified(d.Key),
			Unit: d.Unit, Options: d.Choices, Restart: d.Effect == settings.Restart,
			ReadOnly: d.Editable == settings.ByProgram, Help: d.Doc,
		}
		if d.Kind == settings.Int || d.Kind == settings.String && d.Max > 0 {
			v.Min, v.Max = &d.Min, &d.Max
		}
		return v
	})
	return out
}
