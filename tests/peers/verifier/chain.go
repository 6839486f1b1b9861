package main

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
)

// fault is the first thing that is wrong; rule is the step by its name.
type fault struct {
	rule, what string
}

func (f fault) Error() string { return f.rule + ": " + f.what }

func wrong(rule, format string, arguments ...any) error {
	return fault{rule, fmt.Sprintf(format, arguments...)}
}

func asFault(rule string, err error) error {
	if err == nil {
		return nil
	}
	return fault{rule, err.Error()}
}

// turns is the table of the document: where a record of a kind leaves a call.
var turns = map[string]map[string]string{
	"nothing": {"approval": "asked", "intent": "open", "notice": "nothing", "order": "nothing", "refusal": "refused"},
	"asked":   {"approval": "asked", "intent": "open", "notice": "asked", "order": "asked", "refusal": "refused"},
	"open":    {"approval": "open", "notice": "open", "order": "open", "outcome": "ended"},
	"ended":   {"late": "late", "notice": "ended"},
	"late":    {"notice": "late"},
	"refused": {"notice": "refused"},
}

var outcomes = []string{"completed", "failed", "not_sent", "cancelled", "killed", "unknown"}

type chain struct {
	pinned    []byte
	ledgers   []verifier
	keys      *history
	receipts  map[int64]receipt
	anyone    *receipt
	later     bool // the first segments are gone
	segment   int  // how many were begun
	first     int64
	last      *header // of the last record, its box there or not
	lastLink  string
	settled   int64 // the last record that is whole
	records   int
	tenant    *string
	waiting   *record
	identity  string
	public    []byte
	signed    int64
	links     map[int64]string
	calls     map[string]string
	witnessed int64
}

var segmentName = regexp.MustCompile(`^records-([0-9]{8,})\.tsv$`)

func segments(folder string) ([]int, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	numbers := []int{}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			return nil, wrong("files", "%s is no regular file", entry.Name())
		}
		name := entry.Name()
		if name == "keys.jsonl" || name == "ledger-keys.tsv" || name == "receipts.tsv" || name == "reserve" {
			continue
		}
		found := segmentName.FindStringSubmatch(name)
		if found == nil {
			return nil, wrong("files", "%s is no file of a chain", name)
		}
		number, err := strconv.Atoi(found[1])
		if err != nil || number == 0 || fmt.Sprintf("records-%08d.tsv", number) != name {
			return nil, wrong("files", "%s is no name of a segment", name)
		}
		numbers = append(numbers, number)
	}
	sort.Ints(numbers)
	return numbers, nil
}

// check goes through the files of one chain.
func (c *chain) check(folder string) error {
	numbers, err := segments(folder)
	if err != nil {
		return err
	}
	c.receipts, c.links, c.calls = map[int64]receipt{}, map[int64]string{}, map[string]string{}
	if err := c.readLedgerKeys(content(folder, "ledger-keys.tsv")); err != nil {
		return asFault("receipts", err)
	}
	if err := c.readReceipts(content(folder, "receipts.tsv")); err != nil {
		return err
	}
	for at, number := range numbers {
		if number != numbers[0]+at {
			return wrong("files", "a segment is missing")
		}
	}
	c.later = len(numbers) > 0 && numbers[0] > 1
	if c.later && len(c.receipts) == 0 {
		return wrong("files", "the first segments are missing")
	}
	for at, number := range numbers {
		data := content(folder, fmt.Sprintf("records-%08d.tsv", number))
		if err := c.readSegment(data, at == len(numbers)-1); err != nil {
			return err
		}
	}
	if c.later && c.records == 0 {
		return wrong("files", "the first segments are missing, and nothing is left")
	}
	for seq := range c.receipts {
		if seq > c.settled {
			return wrong("receipts", "the receipt over record %d goes beyond the chain", seq)
		}
	}
	if err := c.readKeys(content(folder, "keys.jsonl")); err != nil {
		return err
	}
	if len(bytes.Trim(content(folder, "reserve"), "\x00")) > 0 {
		return wrong("files", "the reserve holds something")
	}
	return nil
}

func content(folder, name string) []byte {
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return nil
	}
	return data
}

// readLedgerKeys follows the history of keys from the one that was given; where none was, from its own first one.
func (c *chain) readLedgerKeys(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	root, err := rootOf(data)
	if err != nil {
		return err
	}
	known := len(c.ledgers) == 0
	for _, ledger := range c.ledgers {
		known = known || ledger.name == root.name && bytes.Equal(ledger.public, root.public)
	}
	if !known {
		return wrong("unknown_key", "the history begins with a key that was not given")
	}
	c.keys, err = readHistory(data, root)
	return err
}

func (c *chain) readReceipts(data []byte) error {
	lines := bytes.Split(data, []byte("\n"))
	if len(lines[len(lines)-1]) > 0 {
		return wrong("receipts", "the last line has no end")
	}
	for _, line := range lines[:len(lines)-1] {
		rest, found := bytes.CutPrefix(line, []byte("receipt\t"))
		note, err := readText(rest)
		if !found || err != nil {
			return wrong("receipts", "a line that is no receipt")
		}
		if len(c.ledgers) > 0 {
			if err := c.readReceipt(note); err != nil {
				return asFault("receipts", err)
			}
		}
	}
	return nil
}

func (c *chain) readReceipt(note string) error {
	var text string
	var err error
	for _, ledger := range c.ledgers {
		if c.keys != nil && bytes.Equal(c.keys.root.public, ledger.public) && c.keys.root.name == ledger.name {
			text, err = c.keys.open(note)
		} else {
			text, err = openNote(note, ledger.name, ledger.public)
		}
		if err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	found, err := readReceipt(text)
	if err != nil {
		return err
	}
	if found.seq < 1 {
		return fmt.Errorf("a receipt over no record")
	}
	if c.anyone != nil && (c.anyone.sidecar != found.sidecar || c.anyone.tenant != found.tenant || c.anyone.chain != found.chain) {
		return fmt.Errorf("receipts of two chains")
	}
	if other, there := c.receipts[found.seq]; there && other != found {
		return fmt.Errorf("two receipts over record %d", found.seq)
	}
	c.receipts[found.seq], c.anyone = found, &found
	return nil
}

func (c *chain) readSegment(data []byte, last bool) error {
	c.segment++
	lines := bytes.Split(data, []byte("\n"))
	rest := lines[len(lines)-1]
	for at, line := range lines[:len(lines)-1] {
		if err := c.take(line, at == 0 && (c.segment > 1 || c.later)); err != nil {
			return err
		}
	}
	if (len(rest) > 0 || c.waiting != nil) && !last {
		return wrong("files", "a segment that is not the last ends in the middle")
	}
	if len(rest) > 0 {
		found, err := readLine(rest[:len(rest)-1])
		awaited := c.waiting != nil && found.isBox && hash("", found.box) == c.waiting.box
		if err == nil && (!found.isBox || awaited) {
			return wrong("records", "the last line end was changed")
		}
	}
	return nil
}

func (c *chain) take(data []byte, first bool) error {
	found, err := readLine(data)
	if err != nil {
		return asFault("records", err)
	}
	if c.waiting != nil {
		if !found.isBox || hash("", found.box) != c.waiting.box {
			return wrong("boxes", "not the box that the record names")
		}
		boxed := c.waiting
		c.waiting = nil
		return c.settle(boxed)
	}
	switch {
	case found.record != nil:
		return c.takeRecord(found.record, first)
	case found.note != nil:
		return asFault("heads", c.takeHead(*found.note))
	}
	return wrong("boxes", "a box that no record names")
}

func (c *chain) takeRecord(found *record, first bool) error {
	begins := c.last == nil
	if begins && c.later {
		if err := c.goOn(found); err != nil {
			return err
		}
	} else if err := c.follow(found); err != nil {
		return asFault("links", err)
	}
	if begins {
		if err := c.begin(found); err != nil {
			return err
		}
	}
	if begins {
		c.first = found.header.seq
	}
	c.last, c.lastLink = &found.header, found.link
	if first {
		if err := c.openCalls(found, begins && c.later); err != nil {
			return err
		}
	}
	if found.box != "" {
		c.waiting = found
		return nil
	}
	return c.settle(found)
}

// begin holds the first record to the receipts.
func (c *chain) begin(found *record) error {
	if c.anyone == nil {
		return nil
	}
	if c.anyone.sidecar != found.header.sidecar || c.anyone.tenant != found.header.tenant {
		return wrong("receipts", "the receipt is of another sidecar or tenant")
	}
	if !c.later && c.anyone.chain != found.link {
		return wrong("receipts", "the receipt is of another chain")
	}
	return c.witness(found.header.seq-1, found.header.prev, found.header.incarnation)
}

// goOn takes the first record where those before it are gone.
func (c *chain) goOn(found *record) error {
	for seq := range c.receipts {
		if seq >= found.header.seq-1 && found.header.seq >= 2 {
			return nil
		}
	}
	return wrong("files", "no receipt reaches to record %d", found.header.seq-1)
}

func (c *chain) follow(found *record) error {
	now, before := found.header, c.last
	if before == nil {
		if now.seq != 1 || now.prev != string(bytes.Repeat([]byte("0"), 64)) || now.kind != "start" {
			return fmt.Errorf("not the first record of a chain")
		}
		return nil
	}
	switch {
	case now.seq != before.seq+1 || now.prev != c.lastLink:
		return fmt.Errorf("record %d does not follow record %d", now.seq, before.seq)
	case now.sidecar != before.sidecar || now.tenant != before.tenant:
		return fmt.Errorf("another sidecar or tenant")
	case now.kind == "start":
		if now.incarnation == before.incarnation {
			return fmt.Errorf("an incarnation starts twice")
		}
	case now.incarnation != before.incarnation || before.kind == "close" || now.boot < before.boot:
		return fmt.Errorf("an incarnation out of its order")
	}
	return nil
}

func (c *chain) openCalls(found *record, goesOn bool) error {
	if found.header.kind != "notice" || found.body["event"] != any("segment") {
		return wrong("files", "a later segment begins with something else than its notice")
	}
	listed, ok := found.body["open"].([]any)
	names := []string{}
	for _, item := range listed {
		name, isText := item.(string)
		ok = ok && isText
		names = append(names, name)
	}
	if goesOn {
		for _, name := range names {
			c.calls[name] = "open"
		}
	}
	open := []string{}
	for call, state := range c.calls {
		if state == "open" {
			open = append(open, call)
		}
	}
	// UTF-8 sorts as code points do.
	sort.Strings(open)
	if !ok || !slices.Equal(names, open) {
		return wrong("calls", "the notice lists other calls than are open")
	}
	return nil
}

func (c *chain) settle(found *record) error {
	now := found.header
	if now.kind == "start" {
		if err := c.start(found); err != nil {
			return asFault("keys", err)
		}
	}
	if err := c.turn(found); err != nil {
		return asFault("calls", err)
	}
	if err := c.witness(now.seq, found.link, now.incarnation); err != nil {
		return err
	}
	if _, isObject := found.body["lost"].(object); now.kind == "loss" && !isObject {
		return wrong("records", "a loss of nothing")
	}
	c.links[now.seq], c.settled, c.tenant = found.link, now.seq, &now.tenant
	c.records++
	return nil
}

func (c *chain) witness(seq int64, link, incarnation string) error {
	found, there := c.receipts[seq]
	if there && (found.link != link || found.incarnation != incarnation) {
		return wrong("receipts", "the receipt over record %d names another record", seq)
	}
	if there {
		c.witnessed = max(c.witnessed, seq)
	}
	return nil
}

func publicKey(body object, name string) (string, []byte, error) {
	text, _ := body[name].(string)
	raw, err := exactBase64(text)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return "", nil, fmt.Errorf("`%s` is no key", name)
	}
	return text, raw, nil
}

func (c *chain) start(found *record) error {
	identity, identityKey, err := publicKey(found.body, "identity")
	if err != nil {
		return err
	}
	text, key, err := publicKey(found.body, "incarnation_key")
	if err != nil {
		return err
	}
	certificate, _ := found.body["certificate"].(object)
	notBefore, okTime := certificate["not_before"].(string)
	encoded, okSignature := certificate["signature"].(string)
	signature, err := exactBase64(encoded)
	if !okTime || !okSignature || err != nil {
		return fmt.Errorf("no certificate")
	}
	statement := `{"incarnation":` + writeText(found.header.incarnation) + `,"not_before":` + writeText(notBefore) +
		`,"public_key":` + writeText(text) + `,"sidecar":` + writeText(found.header.sidecar) + `,"tenant":` +
		writeText(found.header.tenant) + `}`
	if !ed25519.Verify(identityKey, []byte("agentgate/incarnation/v1\x00"+statement), signature) {
		return fmt.Errorf("the certificate does not hold")
	}
	if c.pinned != nil && !bytes.Equal(c.pinned, identityKey) {
		return fmt.Errorf("the identity is not the one that was given")
	}
	if c.identity != "" && c.identity != identity {
		return fmt.Errorf("another identity than before")
	}
	c.identity, c.public = identity, key
	return nil
}

func (c *chain) turn(found *record) error {
	if !outcomeHolds(found) {
		return fmt.Errorf("an outcome that is none")
	}
	return c.move(&found.header)
}

func outcomeHolds(found *record) bool {
	word, ok := found.body["outcome"].(string)
	return found.header.kind != "outcome" || ok && slices.Contains(outcomes, word)
}

// move takes a call one step on.
func (c *chain) move(found *header) error {
	kind := found.kind
	if found.call == nil {
		if kind == "intent" || kind == "outcome" || kind == "refusal" || kind == "late" {
			return fmt.Errorf("%s without a call", kind)
		}
		return nil
	}
	state, known := c.calls[*found.call]
	if !known {
		state = "nothing"
	}
	after, allowed := turns[state][kind]
	if c.later && state == "nothing" && kind == "late" {
		after, allowed = "late", true
	}
	if !allowed {
		return fmt.Errorf("%s after %s", kind, state)
	}
	c.calls[*found.call] = after
	return nil
}

func (c *chain) takeHead(note string) error {
	if c.last == nil {
		return fmt.Errorf("a head before the first record")
	}
	text, err := openNote(note, "agentgate/"+c.last.incarnation, c.public)
	if err != nil {
		return err
	}
	found, err := readHead(text)
	if err != nil {
		return err
	}
	if found.incarnation != c.last.incarnation || found.seq <= c.signed {
		return fmt.Errorf("a head of another incarnation, or over no later record")
	}
	link, there := c.links[found.seq]
	before := c.later && c.public == nil && found.seq < c.first
	if !before && (!there || link != found.link) {
		return fmt.Errorf("a head over another record")
	}
	c.signed = found.seq
	return nil
}

func (c *chain) readKeys(data []byte) error {
	lines := bytes.Split(data, []byte("\n"))
	rest := lines[len(lines)-1]
	found := map[string]bool{}
	for _, line := range lines[:len(lines)-1] {
		id, tenant, err := readKey(line)
		if err != nil {
			return asFault("boxes", err)
		}
		if found[id] || (c.tenant != nil && tenant != any(*c.tenant)) {
			return wrong("boxes", "a wrapped key twice, or of another tenant")
		}
		found[id] = true
	}
	if len(rest) > 0 {
		if _, _, err := readKey(rest[:len(rest)-1]); err == nil {
			return wrong("records", "the last line end was changed")
		}
	}
	return nil
}
