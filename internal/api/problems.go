package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"meshchatx/internal/announces"
	"meshchatx/internal/auth"
	"meshchatx/internal/chat"
	"meshchatx/internal/contacts"
	"meshchatx/internal/interfaces"
	"meshchatx/internal/keyfile"
	"meshchatx/internal/policy"
	"meshchatx/internal/propagation"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/lxmf/router"
	"meshchatx/rns/node"
)

// told says how errors of the services are told: the first that matches.
var told = []struct {
	err    error
	status int
	code   string
}{
	{store.ErrNotFound, http.StatusNotFound, "not_found"},
	{ErrIdentityUnknown, http.StatusNotFound, "identity_unknown"},
	{ErrIdentityOffline, http.StatusConflict, "identity_offline"},
	{ErrIdentityExists, http.StatusConflict, "identity_exists"},
	{ErrLastIdentity, http.StatusConflict, "last_identity"},
	{ErrNotSent, http.StatusConflict, "no_interface"},
	{keyfile.ErrKey, http.StatusUnprocessableEntity, "not_a_key"},
	{chat.ErrEmpty, http.StatusUnprocessableEntity, "empty_message"},
	{chat.ErrSelf, http.StatusUnprocessableEntity, "own_address"},
	{chat.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
	{chat.ErrDraftConflict, http.StatusConflict, "draft_conflict"},
	{chat.ErrNotRetryable, http.StatusConflict, "not_retryable"},
	{chat.ErrNotCancellable, http.StatusConflict, "not_cancellable"},
	{chat.ErrNotOutgoing, http.StatusConflict, "not_outgoing"},
	{chat.ErrUpload, http.StatusUnprocessableEntity, "upload_unknown"},
	{chat.ErrNoKey, http.StatusConflict, "no_identity"},
	{chat.ErrPaperSize, http.StatusRequestEntityTooLarge, "paper_too_large"},
	{chat.ErrPaperText, http.StatusUnprocessableEntity, "not_a_paper_message"},
	{chat.ErrPaperOther, http.StatusConflict, "paper_for_another"},
	{chat.ErrPaperUnreadable, http.StatusUnprocessableEntity, "paper_unreadable"},
	{chat.ErrPaperRefused, http.StatusConflict, "paper_refused"},
	{chat.ErrReaction, http.StatusUnprocessableEntity, "not_a_reaction"},
	{policy.ErrSelf, http.StatusUnprocessableEntity, "own_address"},
	{chat.ErrBlocked, http.StatusConflict, "blocked_by_me"},
	{chat.ErrCursor, http.StatusUnprocessableEntity, "cursor"},
	{announces.ErrCursor, http.StatusUnprocessableEntity, "cursor"},
	{contacts.ErrCursor, http.StatusUnprocessableEntity, "cursor"},
	{contacts.ErrAddress, http.StatusUnprocessableEntity, "not_an_address"},
	{contacts.ErrKeyMismatch, http.StatusUnprocessableEntity, "key_mismatch"},
	{contacts.ErrSelf, http.StatusUnprocessableEntity, "own_address"},
	{interfaces.ErrNotFound, http.StatusNotFound, "not_found"},
	{interfaces.ErrExists, http.StatusConflict, "interface_exists"},
	{interfaces.ErrBadFile, http.StatusConflict, "config_unreadable"},
	{interfaces.ErrForeign, http.StatusConflict, "interface_foreign"},
	{interfaces.ErrNodeDown, http.StatusServiceUnavailable, "node_down"},
	{interfaces.ErrCursor, http.StatusUnprocessableEntity, "cursor"},
	{interfaces.ErrBadConfig, http.StatusUnprocessableEntity, "interface_invalid"},
	{settings.ErrUnknown, http.StatusUnprocessableEntity, "setting_unknown"},
	{settings.ErrReadOnly, http.StatusUnprocessableEntity, "setting_read_only"},
	{settings.ErrKind, http.StatusUnprocessableEntity, "setting_kind"},
	{settings.ErrBounds, http.StatusUnprocessableEntity, "setting_bounds"},
	{settings.ErrChoice, http.StatusUnprocessableEntity, "setting_choice"},
	{settings.ErrText, http.StatusUnprocessableEntity, "setting_text"},
	{settings.ErrAddress, http.StatusUnprocessableEntity, "not_an_address"},
	{router.ErrNoNode, http.StatusConflict, "propagation_none"},
	{propagation.ErrOff, http.StatusConflict, "host_off"},
	{propagation.ErrUnknownPeer, http.StatusNotFound, "not_found"},
	{node.ErrNoPath, http.StatusNotFound, "no_path"},
	{store.ErrFull, http.StatusInsufficientStorage, "storage_full"},
	{store.ErrCorrupt, http.StatusInternalServerError, "storage_corrupt"},
	{net.ErrClosed, http.StatusServiceUnavailable, "stopping"},
	{context.DeadlineExceeded, http.StatusGatewayTimeout, "timeout"},
	{context.Canceled, http.StatusServiceUnavailable, "stopping"},
}

// problem maps an error of a service to what a client sees. An error that is not
// expected is logged and told without details.
func (s *Server) problem(err error) error {
	if err == nil {
		return nil
	}
	if p, ok := auth.ProblemOf(err); ok {
		return limited(NewProblem(p.Status, p.Code, ""), p.RetryAfter)
	}
	for _, t := range told {
		if !errors.Is(err, t.err) {
			continue
		}
		p := NewProblem(t.status, t.code, err.Error())
		var field *interfaces.FieldError
		if errors.As(err, &field) {
			p.Errors = []FieldProblem{{Location: "body." + field.Field, Message: field.Reason}}
		}
		p.Params = paperParams(err)
		var key *settings.KeyError
		if errors.As(err, &key) {
			p.Params = map[string]string{"key": string(key.Key)}
		}
		if t.status >= http.StatusInternalServerError {
			s.conf.Log.Log(context.Background(), severity(err), "operation failed", "code", t.code, "error", err)
			p.Detail = ""
		}
		return p
	}
	s.conf.Log.Error("operation failed", "error", err)
	return NewProblem(http.StatusInternalServerError, "internal", "")
}

// severity tells failures from operations that nobody waits for any more.
func severity(err error) slog.Level {
	if errors.Is(err, context.Canceled) {
		return slog.LevelDebug
	}
	return slog.LevelError
}

func limited(p *Problem, after time.Duration) error {
	if after <= 0 {
		return p
	}
	seconds := strconv.Itoa(int(after/time.Second) + 1)
	p.Params = map[string]string{"retry_after_s": seconds}
	return huma.ErrorWithHeaders(p, http.Header{"Retry-After": {seconds}})
}
