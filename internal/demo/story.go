package demo

import (
	"strings"
	"time"

	"meshchatx/internal/chat"
)

const (
	longText = "The antenna on the ridge is back up since this morning. Wind was strong, so we used the second mast, and the coax is " +
		"the old one. SNR looks better than before: about 6.5 dB at the hut. If you pass by, please check the connector at the bottom, " +
		"it was a bit loose. Notes are at https://example.org/ridge and the frequency plan has not changed."
	guide = `How we set up a hut, in short:

1. Mount the antenna first, then everything else. A radio without an antenna dies.
2. Write the address of the node on the inside of the lid.
3. Battery: 12 V, 20 Ah is enough for nine days without sun in November. Measure before you leave: 12.6 V is full.
4. Announce once from the valley, so that the valley knows the way back.

    meshchatx rnstatus
    meshchatx rnpath -t

If nothing is heard after ten minutes, it is nearly always the connector. If it is not the connector, it is the other connector.

What we learned last winter: snow on a horizontal antenna costs 3 dB, ice costs 10. Tilt it. Birds like the mast too; they do not care about SWR.

Questions to me, or to the whole group on Tuesdays at 19:00.`
)

// stories are the conversations of the first identity.
func (w *writer) stories() []*thread {
	return []*thread{
		w.mira(), w.tomas(), w.kari(), w.sakura(), w.ridge(), w.weather(), w.solveig(), w.harbour(), w.jonas(), w.states(), w.reasons(),
		w.anaLuis(), w.oslo(), w.team(), w.lena(), w.yael(), w.amin(), w.hanh(), w.ananya(), w.dimitris(), w.words(), w.nobody(),
		w.oldClub(), w.poster(), w.seller(), w.imposter(),
	}
}

// mira is the conversation one looks at first: five days, groups, pictures, files, answers.
func (w *writer) mira() *thread {
	t := w.thread("mira")
	t.pinned, t.unread = true, 3
	pics := w.seed.chance("pictures")
	t.ago(4*day + 6*time.Hour)
	t.in("Hello from the hut!", "We arrived at noon. Everything is covered in snow.")
	t.out("Great to hear. How is the link?")
	t.in(longText)
	t.in("").with(photo(pics, "ridge.jpg", 1200, 800))
	t.out("Beautiful.")
	track := t.out("Here is the track we planned, and the list.").with(
		document("track.gpx", "text/plain", track(pics, 420)),
		document("a list with a rather long name of things to bring to the hut.csv", "text/plain", readings(pics, 300)))
	t.ago(3*day + 9*time.Hour)
	t.in("Got both, thank you").re(track)
	t.in("The stove is out of wood though. We will get some from the shed.")
	t.out("There is more behind the house", "under the blue tarpaulin")
	t.in("👍")
	t.ago(3*day + 2*time.Hour)
	t.in("Two more from today").with(photo(pics, "lake.jpg", 900, 1200), photo(pics, "evening.jpg", 900, 600))
	t.out("The second one goes on the wall!")
	t.ago(2*day + 5*time.Hour)
	t.out("Sent while you were asleep").as(propagated("Oslo PN"))
	t.in("Good morning! Your message was in the propagation node.")
	t.in("").with(recording(9 * time.Second))
	t.out(guide)
	t.in("That is exactly what I needed 😄", "I will print it and put it on the inside of the door.")
	t.ago(day + 3*time.Hour)
	t.in("Signal at the hut today").with(plot(pics, "snr.png", 640, 320))
	t.out("Better than I thought. Did you turn it?")
	turned := t.in("Yes, 20° to the east.")
	t.out("Then leave it like that.").re(turned)
	t.out("This one was too big").as(t.refused(chat.CodeTooLargeDirect, 1_000_000)).with(document("node-log.zip", "application/zip", archive(pics)))
	t.out("Never mind").as(t.cancelled())
	t.ago(5 * time.Hour)
	t.out("Did the weather station come up again?").as(failed(chat.CodeLinkTimeout, ""))
	t.ago(3 * time.Hour)
	t.out("On my way. I should be at the hut at six.")
	t.ago(14 * time.Minute)
	t.in("Yes! Station is up.", "Battery 12.6 V, wind 9 m/s from the west.", "Write me anything, I will answer. “/help” tells what I can do.")
	return t
}

func (w *writer) tomas() *thread {
	t := w.thread("tomas")
	t.unread = 1
	t.ago(2*day + time.Hour)
	t.in("Is anybody on this frequency?")
	t.out("Yes, loud and clear.")
	t.in("Good. I am on the small radio, so please no pictures: 3 kbit/s, and my battery is low.")
	t.out("Understood. Text only.")
	t.ago(25 * time.Minute)
	t.out("How far did you get?")
	t.in("Past the second lake. I answer slowly, but I answer.")
	if w.motion == MotionLive {
		t.ago(40 * time.Second)
		t.out("One small picture after all").as(pending()).with(photo(w.seed.chance("small"), "small.jpg", 760, 500))
		t.out("and a few words beside it").as(pending())
	}
	return t
}

func (w *writer) kari() *thread {
	t := w.thread("kari")
	t.ago(8 * day)
	t.in("Hi, I have switched stamps on: writing to me takes your computer a moment of work. Too much spam lately.")
	t.out("No problem, mine has nothing else to do.")
	t.ago(20 * time.Hour)
	t.in("Kan du ringe når du er hjemme?")
	t.out("I kveld, etter åtte.")
	return t
}

func (w *writer) sakura() *thread {
	t := w.thread("sakura")
	t.unread = 2
	t.ago(6 * day)
	t.in("こんにちは。メッシュの友達から住所をもらいました。")
	t.out("Welcome! 写真をありがとう！")
	t.ago(8 * time.Hour)
	t.in("昨日の山の写真です。").with(photo(w.seed.chance("sakura"), "山.jpg", 1000, 640))
	t.in("雪がたくさん降りました。来週また登ります。")
	return t
}

func (w *writer) ridge() *thread {
	t := w.thread("ridge")
	t.ago(11 * day)
	t.in("I am a relay with little memory: nothing above 20 kB, please.")
	t.out("Status?")
	t.in("Up 41 days, 3 kbit/s, 96 paths.")
	return t
}

func (w *writer) weather() *thread {
	t := w.thread("weather")
	t.muted, t.unread = true, 4
	for d := 6; d >= 0; d-- {
		t.ago(time.Duration(d)*day + 95*time.Minute)
		t.in(forecast(t.chance))
	}
	return t
}

func (w *writer) solveig() *thread {
	t := w.thread("solveig")
	t.ago(9 * time.Hour)
	t.in("I am in the garden and announce nothing. Whoever wants me has to look for me.")
	return t
}

func (w *writer) harbour() *thread {
	t := w.thread("harbour")
	t.draft, t.draftChanged = "Dear harbour master, we will arrive on", w.now.Add(-70*time.Minute)
	t.ago(5 * day)
	t.in("Berth 14 is free from Friday.")
	t.out("We take it.")
	t.ago(2 * time.Hour)
	t.out("Arriving at 21:00, is somebody there?").as(failed(chat.CodeLinkTimeout, ""))
	return t
}

func (w *writer) jonas() *thread {
	t := w.thread("jonas")
	t.ago(3*day + 5*time.Hour)
	t.out("See you on Saturday?")
	t.in("Sure, if the bus goes.")
	t.ago(3*time.Hour + 20*time.Minute)
	t.in("Battery at 4 %, talk to you later")
	t.ago(3 * time.Hour)
	t.out("Take care").as(failed(chat.CodeNoPath, ""))
	t.ago(50 * time.Minute)
	t.out("Write when you have power again").as(pending()).heard = true
	return t
}

func (w *writer) anaLuis() *thread {
	t := w.thread("analuis")
	pics := w.seed.chance("boat")
	t.ago(9 * day)
	t.in("Hola! We are two days out of Las Palmas. The HF link works.")
	t.out("¡Buen viento! How is the sea?")
	t.in("Calm. Dolphins yesterday.").with(photo(pics, "dolphins.jpg", 720, 480))
	t.ago(5 * time.Hour)
	t.in("Position 24.1 N 29.8 W, all well.")
	t.out("Copied. The forecast says NE 5 until Thursday.").as(propagated("Azores PN"))
	t.draft, t.draftChanged = "Could you also send me the", w.now.Add(-2*time.Hour)
	t.draftFiles = []material{plot(pics, "grib.png", 480, 320)}
	return t
}

func (w *writer) oslo() *thread {
	t := w.thread("oslo")
	t.ago(15 * day)
	t.in("Open evening on Tuesday, bring your boards.")
	t.out("Is the soldering station free?")
	t.in("Yes. Meeting moved to 19:00")
	return t
}

func (w *writer) team() *thread {
	t := w.thread("team")
	r := w.seed.chance("team")
	t.ago(20 * day)
	t.in("Log of today attached").with(document("readings.csv", "text/plain", readings(r, 240)), document("track.gpx", "text/plain", track(r, 90)))
	t.out("Thanks, got it.")
	t.ago(40 * time.Minute)
	q := t.in("Which channel tomorrow?")
	t.draft, t.draftChanged, t.draftReply = "Channel 3, as", w.now.Add(-30*time.Minute), q
	return t
}

func (w *writer) lena() *thread {
	t := w.thread("lena")
	t.ago(40 * day)
	t.in("Привет! Как прошла поездка?")
	t.out("Отлично, спасибо. Антенна стоит.")
	t.in("До встречи")
	return t
}

func (w *writer) yael() *thread {
	t := w.thread("yael")
	t.unread = 1
	t.ago(9 * day)
	t.out("Shalom! Did the parcel arrive?")
	t.in("שלום, כן! הכול הגיע שלם. תודה רבה", "האנטנה (868 MHz) כבר על הגג.")
	return t
}

func (w *writer) amin() *thread {
	t := w.thread("amin")
	t.ago(31 * time.Hour)
	t.in("السلام عليكم، هل وصلت الرسالة السابقة؟")
	t.out("وعليكم السلام، نعم وصلت. Node RNS-7 is up.")
	return t
}

func (w *writer) hanh() *thread {
	t := w.thread("hanh")
	t.ago(3 * day)
	t.in("Chào bạn! Trạm ở Đà Lạt đã hoạt động trở lại.")
	t.out("Tuyệt vời!")
	return t
}

func (w *writer) ananya() *thread {
	t := w.thread("ananya")
	t.ago(2 * day)
	t.in("नमस्ते! क्या आप कल की बैठक में आएँगे?")
	t.out("हाँ, सात बजे.")
	return t
}

func (w *writer) dimitris() *thread {
	t := w.thread("dimitris")
	t.ago(6 * day)
	t.in("Καλησπέρα από τη Νάξο.")
	t.out("Καλησπέρα! 73")
	return t
}

func (w *writer) words() *thread {
	t := w.thread("words")
	t.ago(4 * time.Hour)
	t.in(strings.Repeat("Awordthatneverends", 12))
	t.in("And a very long line without any end in sight that only goes on because somebody forgot where the full stop is on this keyboard and kept typing")
	t.out("ok")
	return t
}

func (w *writer) nobody() *thread {
	t := w.thread("nobody")
	t.ago(30 * time.Hour)
	t.out("Hello? Whose address is this?")
	t.in("I prefer to have no name.")
	return t
}

func (w *writer) oldClub() *thread {
	t := w.thread("oldclub")
	t.archived = true
	t.ago(400 * day)
	t.in("The club node goes off today. It was a good time.")
	t.out("Thanks for everything.")
	return t
}

func (w *writer) poster() *thread {
	t := w.thread("poster")
	t.request, t.unread = true, 1
	t.ago(65 * time.Minute)
	t.in("Hello, is this the address from the poster?")
	return t
}

func (w *writer) seller() *thread {
	t := w.thread("seller")
	t.request, t.unread = true, 2
	t.ago(4 * time.Hour)
	t.in("Great offers for you!!!", "Look at this").with(photo(w.seed.chance("seller"), "offer.jpg", 600, 400), document("offer.html", "text/plain", []byte("<h1>Buy</h1>")))
	return t
}

func (w *writer) imposter() *thread {
	t := w.thread("imposter")
	t.request, t.unread = true, 1
	t.ago(2 * time.Hour)
	t.in("It is me, Mira. I have a new address, please use this one.").unknown = true
	return t
}

// workshop are the conversations of the second identity.
func (w *writer) workshop() []*thread {
	oslo := w.thread("oslo")
	oslo.unread = 2
	oslo.ago(2 * day)
	oslo.out("Is the laser cutter repaired?")
	oslo.in("Not yet, the tube comes on Monday.")
	oslo.ago(3 * time.Hour)
	oslo.in("It came today!", "Who has time to install it?")
	mira := w.thread("mira")
	mira.ago(6 * day)
	mira.in("Do you have a spare SMA connector?")
	mira.out("A whole bag.")
	return []*thread{oslo, mira}
}
