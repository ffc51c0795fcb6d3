package api

import (
	"github.com/danielgtaylor/huma/v2"

	"meshchatx/internal/settings"
)

// SettingValue is a truth value, a whole number or a text: what settings are
// made of.
type SettingValue struct{ settings.Value }

// Schema implements huma.SchemaProvider.
func (SettingValue) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeBoolean},
		{Type: huma.TypeInteger, Format: "int64"},
		{Type: huma.TypeString, MaxLength: new(4096)},
	}}
}
