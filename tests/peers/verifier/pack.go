package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
)

// trust is what a stranger has from elsewhere.
type trust struct {
	identity  []byte
	ledgers   []verifier
	logs      []verifier
	witnesses []witness
	needed    int
	sha256    string
}

// pack is the check of one: `done` is the last step that was gone through to its end.
type pack struct {
	trust
	members  *archive
	manifest *manifest
	parts    []*part
	proofs   []proof
	tree     *checkpoint
	cosigned int
	done     int
}

// checkPack is docs/packs.md from its first step to its last.
func checkPack(path string, given trust, found *verdict) error {
	members, data, err := openArchive(path)
	if err != nil {
		return err
	}
	checked := &pack{trust: given, members: members}
	err = checked.run(data)
	var wrong fault
	if err == nil || errors.As(err, &wrong) {
		checked.tell(found, wrong.rule)
	}
	return err
}

func (p *pack) run(data []byte) error {
	sum := sha256.Sum256(data)
	if p.sha256 != "" && p.sha256 != hex.EncodeToString(sum[:]) {
		return wrong("file", "the file has another SHA-256 than was given")
	}
	steps := []struct {
		last string
		take func() error
	}{
		{"file", func() error { return p.members.read(data) }},
		{"manifest", p.readManifest},
		{"receipts", p.readChains},
		{"checkpoint", p.readTree},
		{"inclusion", p.include},
		{"selection", p.compare},
	}
	for _, step := range steps {
		if err := step.take(); err != nil {
			return err
		}
		p.done = stepOf(step.last)
	}
	return nil
}

func (p *pack) readManifest() error {
	data, err := p.members.whole(manifestAt, 1<<22)
	if err != nil {
		return err
	}
	found, ok := readManifest(data)
	if !ok {
		return wrong("manifest", "no manifest")
	}
	p.manifest = found
	return found.hold(p.members)
}

// readChains reads the proofs, for the form alone, and goes through the chains.
func (p *pack) readChains() error {
	if p.members.has("log/proofs.jsonl") {
		if err := p.readProofs(); err != nil {
			return err
		}
	}
	for _, each := range p.manifest.chains {
		next := &part{name: each.name, manifest: p.manifest, chain: chain{pinned: p.identity, ledgers: p.ledgers}}
		p.parts = append(p.parts, next)
		if err := next.checkPart(p.members); err != nil {
			return err
		}
	}
	return nil
}

func (p *pack) readProofs() error {
	data, err := p.members.content("log/proofs.jsonl")
	if err != nil {
		return err
	}
	lines, ended := linesOf(data)
	chain, seq := "", int64(0)
	for _, line := range lines {
		found, err := readProof(line)
		if err != nil {
			return asFault("inclusion", err)
		}
		if found.chain < chain || found.chain == chain && found.seq <= seq {
			return wrong("inclusion", "proofs out of order")
		}
		chain, seq = found.chain, found.seq
		p.proofs = append(p.proofs, found)
	}
	if !ended {
		return wrong("inclusion", "the last line has no end")
	}
	return nil
}

func (p *pack) readTree() error {
	if !p.members.has("log/checkpoint") {
		if len(p.logs) > 0 {
			return wrong("checkpoint", "a log's key was given, and there is no checkpoint")
		}
		return nil
	}
	data, err := p.members.whole("log/checkpoint", mostNote)
	if err != nil {
		return err
	}
	text, lines, err := readNote(data)
	if err != nil {
		return asFault("checkpoint", err)
	}
	tree, err := readCheckpoint(text)
	if err != nil {
		return asFault("checkpoint", err)
	}
	if len(p.logs) > 0 {
		keys, err := p.logKeys(tree.origin)
		if err == nil {
			p.cosigned, err = openCheckpoint(text, lines, keys, p.witnesses, p.needed)
		}
		var unread fault
		if errors.As(err, &unread) && unread.rule == "file" {
			return err
		}
		if err != nil {
			return wrong("checkpoint", "%v", err)
		}
	}
	p.tree = &tree
	return nil
}

// logKeys gives the keys of that origin that were given, and those that their history leads to.
func (p *pack) logKeys(origin string) ([]verifier, error) {
	found := slices.Clone(p.logs)
	if p.members.has("log/keys") {
		data, err := p.members.whole("log/keys", 1<<20)
		if err != nil {
			return nil, err
		}
		root, err := rootOf(data)
		if err != nil {
			return nil, err
		}
		same := func(key verifier) bool { return key.name == root.name && string(key.public) == string(root.public) }
		if slices.ContainsFunc(found, same) {
			keys, err := readHistory(data, root)
			if err != nil {
				return nil, err
			}
			found = slices.DeleteFunc(found, same)
			for _, each := range keys.keys {
				if each.active != "" && each.state != "revoked" {
					found = append(found, each.verifier)
				}
			}
		}
	}
	return slices.DeleteFunc(found, func(key verifier) bool { return key.name != origin }), nil
}

func (p *pack) include() error {
	if len(p.proofs) > 0 && p.tree == nil {
		return wrong("inclusion", "proofs without a checkpoint")
	}
	for _, each := range p.proofs {
		at := slices.IndexFunc(p.parts, func(part *part) bool { return part.name == each.chain })
		if at < 0 || p.parts[at].links[each.seq] == "" {
			return wrong("inclusion", "a proof of a record that is not here")
		}
		if err := included(p.parts[at].links[each.seq], each, *p.tree); err != nil {
			return asFault("inclusion", err)
		}
		if len(p.logs) > 0 {
			p.parts[at].proved = each.seq
		}
	}
	for _, each := range p.parts {
		if len(p.logs) > 0 && each.proved == 0 {
			return wrong("inclusion", "a log's key was given, and there is no proof of %s", each.name)
		}
	}
	return nil
}

func (p *pack) compare() error {
	call, asked := p.manifest.selection["call"]
	shown := func(part *part) bool { return part.shown[call] }
	if asked && !slices.ContainsFunc(p.parts, shown) {
		return wrong("selection", "the call that was asked for is not here")
	}
	for at, each := range p.manifest.chains {
		here := p.parts[at]
		if (told{each.name, here.first, here.settled, here.selected}) != each {
			return wrong("selection", "the manifest counts otherwise")
		}
	}
	return nil
}

// tell puts into the verdict what became of each step, in their order.
func (p *pack) tell(found *verdict, failed string) {
	texts, receipts := 0, 0
	for _, part := range p.parts {
		found.Records += part.records
		found.Selected += part.selected
		found.SelfAsserted += part.selfAsserted()
		texts, receipts = texts+part.withTexts, receipts+part.receiptLines
	}
	found.Cosigned = p.cosigned
	for at, name := range packSteps {
		atLog := name == "checkpoint" || name == "inclusion"
		word := "ok"
		switch {
		case name == failed:
			word = "FAILED"
		case failed != "" && at+1 > p.done:
			word = "stopped"
		case name == "texts" && texts == 0, name == "receipts" && receipts == 0, atLog && p.tree == nil:
			word = "none"
		case name == "receipts" && len(p.ledgers) == 0, atLog && len(p.logs) == 0:
			word = "no key"
		}
		found.Steps = append(found.Steps, word)
	}
}
