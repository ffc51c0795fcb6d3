package store

import (
	"context"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"strings"
	"testing"

	"meshchatx/internal/store/sqlite"
)

// queries returns the text of every constant of this package named q….
func queries(t *testing.T) map[string]string {
	t.Helper()
	set := token.NewFileSet()
	names, err := fs.Glob(os.DirFS("."), "*.go")
	must(t, err)
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, 0)
		must(t, err)
		files = append(files, f)
	}
	info := types.Info{Defs: make(map[*ast.Ident]types.Object)}
	conf := types.Config{Error: func(error) {}} // constants need no imports
	_, _ = conf.Check("store", set, files, &info)
	out := make(map[string]string)
	for id, obj := range info.Defs {
		c, ok := obj.(*types.Const)
		if ok && len(id.Name) > 1 && id.Name[0] == 'q' && id.Name[1] >= 'A' && id.Name[1] <= 'Z' {
			out[id.Name] = constant.StringVal(c.Val())
		}
	}
	if len(out) < 60 {
		t.Fatalf("only %d queries found", len(out))
	}
	return out
}

// hot are the queries that run often or over many rows: none of them may read a whole table.
var hot = []string{
	"qMessageKnown", "qMessageGet", "qMessageSeq", "qMessageBefore", "qMessageAfter", "qMessagePending", "qMessageFailed",
	"qMessageAllPending", "qMessageUnverified", "qAttachmentsOf", "qAttachmentGet", "qBlobUsed", "qEventAppend", "qEventReplace", "qEventsOf",
	"qConversationGet", "qConversationInbox", "qConversationArchived", "qConversationsUnread", "qConversationRequests",
	"qConversationLower", "qTotalUnread", "qTotalUnreadPeers", "qTotalRequests", "qDraftGet", "qDraftUploads", "qUploadGet", "qUploadExpire", "qContactGet", "qContactKnown", "qBlockedIs",
	"qDeliverySeen", "qDeliveryExpire", "qTicketOutbound", "qTicketsIssued", "qStampCostGet",
	"qReactionsOf", "qReactionsDelete", "qListedList", "qListedHas", "qConversationAsked", "qAppearanceGet",
	"qHeardGet", "qHeardOfIdentity", "qHeardRecord", "qAttemptList", "qAttemptsFailed", "qInterfaceEvents", "qInterfaceEventsOf", "qSearchDelete",
}

// few are the hot queries that sort, because each finds no more than a handful of rows.
var few = map[string]bool{"qTicketsIssued": true, "qListedList": true, "qHeardOfIdentity": true}

// TestQueriesPrepare prepares every query on both schemas: each must fit one of them.
func TestQueriesPrepare(t *testing.T) {
	identity, server := openIdentity(t), openServer(t)
	all := queries(t)
	for kind := HeardKind(0); kind < 1; kind++ { // the query built from parts, with all of them
		for sort, name := range []string{"last", "first", "name", "hops", "count"} {
			q := HeardQuery{Kind: &kind, MaxHops: 1, Interface: "x", Since: start, Named: true, Signal: true, Text: "x", Sort: HeardSort(sort), After: HeardCursor{Key: 1}}
			all["heard by "+name], _ = q.build()
		}
	}
	for name, query := range all {
		errIdentity, errServer := prepare(t, identity.db, query), prepare(t, server.db, query)
		if errIdentity != nil && errServer != nil {
			t.Errorf("%s: %v; %v", name, errIdentity, errServer)
		}
	}
}

func prepare(t *testing.T, db *sqlite.DB, query string) error {
	t.Helper()
	return db.Read(t.Context(), func(tx *sqlite.Tx) error { return explain(t.Context(), tx, query, nil) })
}

func explain(ctx context.Context, tx *sqlite.Tx, query string, step func(string)) error {
	args := make([]any, placeholders(query))
	return tx.Each(ctx, func(r sqlite.Row) error {
		var id, parent, unused int
		var detail string
		err := r.Scan(&id, &parent, &unused, &detail)
		if step != nil {
			step(detail)
		}
		return err
	}, "EXPLAIN QUERY PLAN "+query, args...)
}

// placeholders counts the arguments a query takes.
func placeholders(query string) int {
	highest, plain := 0, 0
	for i := range len(query) {
		if query[i] != '?' {
			continue
		}
		n := 0
		for j := i + 1; j < len(query) && query[j] >= '0' && query[j] <= '9'; j++ {
			n = 10*n + int(query[j]-'0')
		}
		if n == 0 {
			plain++
		}
		highest = max(highest, n)
	}
	return max(highest, plain)
}

func TestHotQueriesUseIndexes(t *testing.T) {
	identity, server := openIdentity(t), openServer(t)
	all := queries(t)
	for _, name := range hot {
		query, ok := all[name]
		if !ok {
			t.Errorf("no query %s", name)
			continue
		}
		db := identity.db
		if prepare(t, db, query) != nil {
			db = server.db
		}
		must(t, db.Read(t.Context(), func(tx *sqlite.Tx) error {
			return explain(t.Context(), tx, query, func(step string) {
				if scans(step) || sorts(step) && !few[name] {
					t.Errorf("%s: %s", name, step)
				}
			})
		}))
	}
	// Lists in their natural order stop at the limit instead of sorting.
	for _, q := range []HeardQuery{{}, {After: HeardCursor{Key: 1}}, {Kind: new(HeardKind)}} {
		query, args := q.build()
		must(t, server.db.Read(t.Context(), func(tx *sqlite.Tx) error {
			return tx.Each(t.Context(), func(r sqlite.Row) error {
				var id, parent, unused int
				var detail string
				err := r.Scan(&id, &parent, &unused, &detail)
				if scans(detail) || sorts(detail) {
					t.Errorf("%s: %s", query, detail)
				}
				return err
			}, "EXPLAIN QUERY PLAN "+query, args...)
		}))
	}
}

func sorts(step string) bool { return strings.Contains(step, "TEMP B-TREE") }

// scans reports whether a step reads a whole table. A scan of an index in its order stops at the
// limit, one of a subquery reads only its rows.
func scans(step string) bool {
	return strings.HasPrefix(step, "SCAN ") && !strings.Contains(step, "USING INDEX") && !strings.Contains(step, "USING COVERING INDEX") &&
		!strings.Contains(step, "subquery") && !strings.Contains(step, "SUBQUERY") && !strings.Contains(step, "CONSTANT ROW") && !strings.Contains(step, "VIRTUAL TABLE")
}
