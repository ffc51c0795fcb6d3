package api

import (
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// Problem is the one form of every error (RFC 9457) with a stable code. Texts
// for people are made by the reader from the code.
type Problem struct {
	Type   string            `json:"type" doc:"Always about:blank; the code tells."`
	Title  string            `json:"title"`
	Status int               `json:"status"`
	Code   string            `json:"code" doc:"Stable reason, as not_found."`
	Detail string            `json:"detail,omitempty" doc:"Technical English text."`
	Errors []FieldProblem    `json:"errors,omitempty" doc:"code invalid: which fields."`
	Params map[string]string `json:"params,omitempty" doc:"Figures of the sentence, as limit."`
}

// FieldProblem names a field that was refused.
type FieldProblem struct {
	Location string `json:"location,omitempty" doc:"As body.items[3].tags."`
	Message  string `json:"message"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// NewProblem makes a problem document.
func NewProblem(status int, code, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// codeOf names the reasons the framework itself reports.
func codeOf(status int) string {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return "invalid"
	case http.StatusNotFound:
		return "not_found"
	case http.StatusRequestEntityTooLarge:
		return "too_large"
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		return "unsupported_media_type"
	case http.StatusRequestTimeout:
		return "timeout"
	}
	return "internal"
}

// frameworkProblem turns huma's own error documents into ours, so that there is
// one form and no package variable has to be replaced.
func frameworkProblem(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := NewProblem(m.Status, codeOf(m.Status), m.Detail)
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, FieldProblem{Location: e.Location, Message: e.Message})
	}
	return p, nil
}

// schemaRegistry names schemas by type and documents Problem where the
// framework would document its own error form.
func schemaRegistry() huma.Registry {
	r := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	r.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[Problem]())
	return r
}
