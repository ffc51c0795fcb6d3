package api

// SettingView is one setting with all a form needs.
type SettingView struct {
	Key      string       `json:"key"`
	Scope    string       `json:"scope" enum:"server,identity"`
	Category string       `json:"category" enum:"profile,privacy,messages,propagation,appearance,network,storage,access"`
	Type     string       `json:"type" enum:"bool,int,string,enum"`
	Value    SettingValue `json:"value"`
	Default  SettingValue `json:"default"`
	Modified bool         `json:"modified"`
	Min      *int64       `json:"min,omitempty" format:"int64"`
	Max      *int64       `json:"max,omitempty" format:"int64" doc:"Largest number, or most characters."`
	Unit     string       `json:"unit,omitempty" doc:"Unit of a number, as s or bytes."`
	Options  []string     `json:"options,omitempty"`
	Restart  bool         `json:"restart" doc:"True when a change acts after the next start."`
	ReadOnly bool         `json:"read_only"`
	Help     string       `json:"help" doc:"English text for command line and documentation."`
}

// SettingChange sets one setting, or resets it when value is absent.
type SettingChange struct {
	Key   string        `json:"key" minLength:"1" maxLength:"100"`
	Value *SettingValue `json:"value,omitempty"`
}

type settingsOutput struct {
	Body struct {
		Items []SettingView `json:"items"`
	}
}

// SettingsChanges is a set of changes that applies whole or not at all.
type SettingsChanges struct {
	Items []SettingChange `json:"items" minItems:"1" maxItems:"100"`
}
type updateSettingsInput struct{ Body SettingsChanges }
type updateIdentitySettingsInput struct {
	IdentityPath
	Body SettingsChanges
}
