package chat

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"meshchatx/internal/blob"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
)

// compose makes and signs the message, and lists its files in the order a
// receiver sees them.
func (s *Service) compose(ctx context.Context, o Outgoing) (*lxmf.Message, []store.Attachment, error) {
	msg := lxmf.New(o.Peer, s.addr, s.conf.Now(), []byte(o.Title), []byte(o.Content))
	msg.Timestamp = s.timestamp(o)
	if err := s.relate(ctx, msg, o); err != nil {
		return nil, nil, err
	}
	files, err := s.attach(ctx, msg, o.Uploads)
	if err != nil {
		return nil, nil, err
	}
	if o.Method != store.MethodPaper { // there is no room to spare, and no answer by the same way
		if err := s.addTicket(ctx, msg); err != nil {
			return nil, nil, err
		}
	}
	msg.Sign(s.conf.Identity)
	return msg, files, nil
}

// addTicket lets the recipient answer without work, if the owner wants that.
func (s *Service) addTicket(ctx context.Context, msg *lxmf.Message) error {
	switch s.conf.Settings.Text(settings.KeyIncludeTickets) {
	case settings.TicketsNever:
		return nil
	case settings.TicketsContacts:
		if known, err := s.conf.Store.Contacts.Known(ctx, msg.Destination); err != nil || !known {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.conf.Params.TicketWait)
	defer cancel()
	t, due, err := s.conf.Router.Ticket(ctx, msg.Destination)
	if err != nil {
		s.conf.Log.Warn("message goes without a ticket", "error", err)
		return nil
	}
	if due {
		msg.Fields.SetTicket(t)
	}
	return nil
}

const quoteLength = 100

// relate names the message that is answered, with an excerpt for those who do
// not have it.
func (s *Service) relate(ctx context.Context, msg *lxmf.Message, o Outgoing) error {
	if o.Renderer != lxmf.RendererPlain {
		msg.Fields.SetRenderer(o.Renderer)
	}
	if len(o.Thread) > 0 {
		msg.Fields.SetThread(o.Thread)
	}
	if !o.Comment.IsZero() {
		msg.Fields.SetComment(o.Comment)
	}
	if !o.Continues.IsZero() {
		msg.Fields.SetContinuation(o.Continues)
	}
	if o.ReplyTo.IsZero() {
		return nil
	}
	if o.Reaction != "" {
		msg.Fields.SetReaction(o.ReplyTo, o.Reaction)
		return nil
	}
	msg.Fields.SetReplyTo(o.ReplyTo)
	answered, err := s.conf.Store.Messages.Get(ctx, o.ReplyTo)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if answered.Peer == o.Peer && answered.Content != "" {
		msg.Fields.SetReplyQuote(cut(oneLine(answered.Content), quoteLength))
	}
	return nil
}

// attach puts staged files into the fields. LXMF has room for one picture and one
// recording; what is left travels as files.
func (s *Service) attach(ctx context.Context, msg *lxmf.Message, ids []store.UploadID) ([]store.Attachment, error) {
	var image, audio, files []store.File
	var data []lxmf.Attachment
	var total int64
	for _, id := range ids {
		u, err := s.GetUpload(ctx, id)
		if err != nil {
			return nil, err
		}
		if total += u.Size; total > s.conf.Params.MaxMessage {
			return nil, ErrTooLarge
		}
		b, err := s.conf.Blobs.ReadAll(u.Blob, u.Size)
		if errors.Is(err, blob.ErrNotFound) {
			return nil, ErrUpload
		}
		if err != nil {
			return nil, fmt.Errorf("read upload: %w", err)
		}
		switch {
		case u.Kind == store.KindImage && image == nil:
			msg.Fields.SetImage(lxmf.Image{Format: strings.TrimPrefix(u.MIME, "image/"), Data: b})
			image = append(image, u.File)
		case u.Kind == store.KindAudio && audio == nil:
			msg.Fields.SetAudio(lxmf.Audio{Mode: lxmf.AudioOpusOgg, Data: b})
			audio = append(audio, u.File)
		default:
			data = append(data, lxmf.Attachment{Name: u.Name, Data: b})
			files = append(files, u.File)
		}
	}
	msg.Fields.SetAttachments(data...)
	return number(append(append(image, audio...), files...)), nil
}

func number(files []store.File) []store.Attachment {
	out := make([]store.Attachment, len(files))
	for i, f := range files {
		out[i] = store.Attachment{File: f, Position: i}
	}
	return out
}

// pack encodes a message and decides where its packed form is kept.
func (s *Service) pack(msg *lxmf.Message, row *store.Message) ([]byte, error) {
	packed, err := msg.Pack(nil)
	if err != nil {
		return nil, fmt.Errorf("pack message: %w", err)
	}
	row.Fields, _ = kept(msg) // fields of our own are never large
	return s.keepPacked(packed, row)
}

// outbound reads a stored message back for the router, unchanged: the same id.
func (s *Service) outbound(ctx context.Context, m store.Message) (Outbound, error) {
	packed, err := s.packed(ctx, m)
	if err != nil {
		return Outbound{}, err
	}
	msg, err := lxmf.Parse(packed)
	if err != nil {
		return Outbound{}, err
	}
	if msg.Hash != m.ID {
		return Outbound{}, fmt.Errorf("stored message %s reads as %s", m.ID, msg.Hash)
	}
	return Outbound{Message: msg, Method: m.Method, WaitHeard: m.WaitHeard, Attempts: m.Attempts}, nil
}

// keepStamp adds a stamp to the stored form, so that its work is not done twice.
func (s *Service) keepStamp(ctx context.Context, id rns.Hash, stamp []byte) {
	m, err := s.conf.Store.Messages.Get(ctx, id)
	if err != nil {
		return // deleted meanwhile
	}
	out, err := s.outbound(ctx, m)
	if err == nil {
		out.Message.Stamp = stamp
		m.PackedBlob = rns.Hash{}
		var packed []byte
		if packed, err = s.pack(out.Message, &m); err == nil {
			err = s.conf.Store.Messages.SetPacked(ctx, m, packed, s.conf.Now())
		}
	}
	if err != nil {
		s.conf.Log.Warn("stamp is not kept", "message", id, "error", err)
	}
}
