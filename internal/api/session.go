package api

import "meshchatx/internal/auth"

// SessionView describes one browser's access.
type SessionView struct {
	ID        string `json:"id"`
	Current   bool   `json:"current"`
	CreatedAt int64  `json:"created_at" format:"int64"`
	SeenAt    int64  `json:"seen_at" format:"int64"`
	ExpiresAt int64  `json:"expires_at" format:"int64"`
	Address   string `json:"address"`
	UserAgent string `json:"user_agent"`
}

// NewSession answers the exchange of a start token.
type NewSession struct {
	Session     SessionView `json:"session"`
	SecondToken string      `json:"second_token" doc:"Goes into the X-Second-Token header of every state change and into the WebSocket. Keep it in origin-scoped storage."`
}

type createSessionInput struct {
	Body struct {
		Token string `json:"token" minLength:"1" maxLength:"200" doc:"Start token of a one-time address."`
	}

	client auth.Client
}
type createSessionOutput struct {
	SetCookie string `header:"Set-Cookie"`
	Body      NewSession
}
type sessionOutput struct{ Body SessionView }
type endSessionOutput struct {
	SetCookie string `header:"Set-Cookie"`
}
type sessionListOutput struct {
	Body struct {
		Items []SessionView `json:"items"`
	}
}

// SessionPath names a session.
type SessionPath struct {
	Session string `path:"session" maxLength:"64"`
}
