package api

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"meshchatx/internal/event"
	"meshchatx/internal/keyfile"
	"meshchatx/rns"
)

const deliveryName = "lxmf.delivery"

func identityView(v Identity) IdentityView {
	return IdentityView{
		Hash: v.Hash.Hex(), Address: v.Address.Hex(), PublicKey: hex.EncodeToString(v.Public[:]), DisplayName: v.Name,
		Enabled: v.Enabled, Online: v.Online, Code: v.Code, Order: v.Order, CreatedAt: ms(v.CreatedAt),
		AnnouncedAt: ms(v.AnnouncedAt), NextAnnounce: ms(v.NextAnnounce), Unread: v.Unread, Failed: v.Failed, Requests: v.Requests,
	}
}

func (s *Server) identity(v Identity, err error) (*identityOutput, error) {
	if err != nil {
		return nil, s.problem(err)
	}
	return &identityOutput{identityView(v)}, nil
}

func (s *Server) listIdentities(ctx context.Context, _ *struct{}) (*identityListOutput, error) {
	all, err := s.conf.Identities.List(ctx)
	if err != nil {
		return nil, s.problem(err)
	}
	out := &identityListOutput{}
	out.Body.Items = list(all, identityView)
	return out, nil
}

func (s *Server) createIdentity(ctx context.Context, in *createIdentityInput) (*identityOutput, error) {
	return s.identity(s.conf.Identities.Create(ctx, in.Body.DisplayName))
}

func (s *Server) previewIdentity(ctx context.Context, in *previewIdentityInput) (*previewIdentityOutput, error) {
	id, err := keyfile.Parse([]byte(in.Body.Data))
	if err != nil {
		return nil, s.problem(err)
	}
	_, err = s.conf.Identities.Get(ctx, id.Hash())
	if err != nil && !errors.Is(err, ErrIdentityUnknown) {
		return nil, s.problem(err)
	}
	return &previewIdentityOutput{IdentityPreview{
		Hash: id.Hash().Hex(), Address: rns.DestinationHash(deliveryName, id.Hash()).Hex(), Exists: err == nil,
	}}, nil
}

func (s *Server) importIdentity(ctx context.Context, in *importIdentityInput) (*identityOutput, error) {
	id, err := keyfile.Parse([]byte(in.Body.Data))
	if err != nil {
		return nil, s.problem(err)
	}
	return s.identity(s.conf.Identities.Import(ctx, id, in.Body.DisplayName))
}

func (s *Server) getIdentity(ctx context.Context, in *IdentityPath) (*identityOutput, error) {
	return s.identity(s.conf.Identities.Get(ctx, in.hash()))
}

func (s *Server) updateIdentity(ctx context.Context, in *updateIdentityInput) (*identityOutput, error) {
	return s.identity(s.conf.Identities.Update(ctx, in.hash(), IdentityChange{
		Name: in.Body.DisplayName, Enabled: in.Body.Enabled, Order: in.Body.Order,
	}))
}

func (s *Server) exportIdentity(ctx context.Context, in *exportIdentityInput) (*exportIdentityOutput, error) {
	id, err := s.conf.Identities.Key(ctx, in.hash())
	if err != nil {
		return nil, s.problem(err)
	}
	raw := id.Bytes()
	v := IdentityKey{Format: in.Body.Format, FileName: "identity-" + id.Hash().Hex()[:8] + ".key", Checksum: checksum(raw)}
	switch in.Body.Format {
	case "base32":
		v.Data = base32.StdEncoding.EncodeToString(raw)
	case "hex":
		v.Data = hex.EncodeToString(raw)
	default:
		v.Format, v.Data = "base64", base64.StdEncoding.EncodeToString(raw)
	}
	return &exportIdentityOutput{v}, nil
}

func checksum(raw []byte) string {
	sum := sha256.Sum256(raw)
	groups := make([]string, 4)
	for i := range groups {
		groups[i] = fmt.Sprintf("%04x", sum[2*i:2*i+2])
	}
	return strings.Join(groups, " ")
}

func (s *Server) announceIdentity(ctx context.Context, in *IdentityPath) (*struct{}, error) {
	return nil, s.problem(s.conf.Identities.Announce(ctx, in.hash()))
}

func (s *Server) listIdentitySettings(ctx context.Context, in *IdentityPath) (*settingsOutput, error) {
	sc, err := s.scope(ctx, *in)
	if err != nil {
		return nil, err
	}
	return settingsView(sc.Settings), nil
}

func (s *Server) updateIdentitySettings(ctx context.Context, in *updateIdentitySettingsInput) (*settingsOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	if err := sc.Settings.Change(ctx, changes(in.Body)); err != nil {
		return nil, s.problem(err)
	}
	s.conf.Bus.Publish(event.Event{Identity: in.hash(), Type: event.SettingsChanged})
	return settingsView(sc.Settings), nil
}

func (p IdentityPath) hash() rns.Addr { return addr(p.Identity) }

// scope returns the services of the identity of a path, and of no other.
func (s *Server) scope(ctx context.Context, p IdentityPath) (*Scope, error) {
	sc, err := s.conf.Identities.Scope(ctx, p.hash())
	return sc, s.problem(err)
}
