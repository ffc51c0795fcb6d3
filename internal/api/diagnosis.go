package api

// Diagnosis answers "why is this not delivered?" for one message.
type Diagnosis struct {
	Message   string             `json:"message"`
	Delivery  DeliveryView       `json:"delivery"`
	Verdict   Verdict            `json:"verdict"`
	Path      []PathNode         `json:"path" doc:"From here to the peer."`
	Timeline  []MessageEventView `json:"timeline"`
	Checks    []CheckView        `json:"checks"`
	CheckedAt int64              `json:"checked_at,omitempty" format:"int64" doc:"Start of the last run of checks."`
	Actions   []string           `json:"actions" enum:"request_path,announce_and_retry,retry,cancel,shrink,copy_report" doc:"What can be offered now."`
}

// Verdict is the one sentence, as a code with its figures.
type Verdict struct {
	Code       string `json:"code" enum:"delivered,at_node,on_paper,no_node,node_failed,node_refused,on_its_way,no_interface,never_heard,no_path,quiet,link_failed,no_proof,stalled,too_large,stamp,refused,cancelled,storage_full,blocked,waiting_heard,unknown"`
	Confidence string `json:"confidence" enum:"certain,probable,unsure"`
	HeardAt    int64  `json:"heard_at,omitempty" format:"int64"`
	Hops       *int   `json:"hops,omitempty"`
	Limit      int64  `json:"limit,omitempty" format:"int64"`
	Size       int64  `json:"size,omitempty" format:"int64"`
}

// PathNode is one stop of the path strip.
type PathNode struct {
	Kind  string `json:"kind" enum:"me,interface,hops,peer"`
	Name  string `json:"name,omitempty"`
	Hops  *int   `json:"hops,omitempty"`
	State string `json:"state" enum:"ok,unknown,broken"`
	At    int64  `json:"at,omitempty" format:"int64" doc:"Age of the knowledge."`
}

// CheckView is one live check.
type CheckView struct {
	Check string `json:"check" enum:"interface_up,traffic,identity_known,path_known,path_request,link,propagation,size,stamp,announced"`
	State string `json:"state" enum:"idle,running,ok,warn,fail,skipped"`
	Code  string `json:"code,omitempty" doc:"Which sentence to show."`
	Value int64  `json:"value,omitempty" format:"int64" doc:"Figure of the sentence: a count, bytes, bits or a time."`
	Limit int64  `json:"limit,omitempty" format:"int64"`
	Name  string `json:"name,omitempty" doc:"Interface or node of the sentence."`
	Took  int64  `json:"took_ms,omitempty" format:"int64"`
}

type diagnosisOutput struct{ Body Diagnosis }
