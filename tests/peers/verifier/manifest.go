package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// told is one chain as the manifest has it.
type told struct {
	name                  string
	first, last, selected int64
}

type member struct {
	bytes  int64
	sha256 string
}

type manifest struct {
	tenant    string
	selection map[string]string
	chains    []told
	members   map[string]member
}

// objectOf gives the object if it has these members and no others.
func objectOf(value any, names ...string) (object, bool) {
	found, ok := value.(object)
	if !ok || len(found) != len(names) {
		return nil, false
	}
	for _, name := range names {
		if _, there := found[name]; !there {
			return nil, false
		}
	}
	return found, true
}

func count(value any) (int64, bool) {
	number, ok := integer(value)
	return number, ok && number >= 0
}

func readManifest(data []byte) (*manifest, bool) {
	value, err := readCanonical(data)
	whole, ok := objectOf(value, "format", "agentgate", "tenant", "selection", "exported", "chains", "members")
	if err != nil || !ok || whole["format"] != any("agentgate/pack/v1") {
		return nil, false
	}
	exported, ok := objectOf(whole["exported"], "at", "by")
	tenant, okTenant := whole["tenant"].(string)
	for _, text := range []any{whole["agentgate"], exported["at"], exported["by"]} {
		_, isText := text.(string)
		ok = ok && isText
	}
	found := &manifest{tenant: tenant, selection: map[string]string{}, members: map[string]member{}}
	selection, okSelection := whole["selection"].(object)
	for name, value := range selection {
		text, isText := value.(string)
		ok = ok && isText && slices.Contains([]string{"session", "agent", "call", "since", "until"}, name)
		found.selection[name] = text
	}
	return found, ok && okTenant && okSelection && found.readChains(whole["chains"]) && found.readMembers(whole["members"])
}

func (m *manifest) readChains(value any) bool {
	chains, ok := value.([]any)
	last := ""
	for _, each := range chains {
		part, okPart := objectOf(each, "name", "first", "last", "selected")
		name, okName := part["name"].(string)
		first, okFirst := count(part["first"])
		end, okLast := count(part["last"])
		selected, okSelected := count(part["selected"])
		ok = ok && okPart && okName && okFirst && okLast && okSelected && name > last
		last = name
		m.chains = append(m.chains, told{name, first, end, selected})
	}
	return ok && len(chains) > 0
}

func (m *manifest) readMembers(value any) bool {
	members, ok := value.(object)
	for name, each := range members {
		part, okPart := objectOf(each, "bytes", "sha256")
		size, okSize := count(part["bytes"])
		ok = ok && okPart && okSize && isDigest(part["sha256"])
		sum, _ := part["sha256"].(string)
		m.members[name] = member{size, sum}
	}
	return ok
}

// spans tells whether a time lies in what was asked for; times of one form sort as text.
func (m *manifest) spans(at string) bool {
	since, begins := m.selection["since"]
	until, ends := m.selection["until"]
	return (!begins || since <= at) && (!ends || at < until)
}

// byHeaders tells whether headers alone say what was asked for.
func (m *manifest) byHeaders() bool {
	for _, name := range []string{"session", "agent", "call"} {
		if _, there := m.selection[name]; there {
			return false
		}
	}
	return true
}

// hold compares the members with what the manifest says of them.
func (m *manifest) hold(members *archive) error {
	names := slices.DeleteFunc(slices.Clone(members.names), func(name string) bool { return name == manifestAt })
	for _, name := range names {
		if _, there := m.members[name]; !there || len(names) != len(m.members) {
			return wrong("manifest", "members that are not in both")
		}
	}
	if len(names) != len(m.members) {
		return wrong("manifest", "members that are not in both")
	}
	chains := map[string]bool{}
	for _, name := range names {
		data, err := members.content(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		if m.members[name] != (member{int64(len(data)), hex.EncodeToString(sum[:])}) {
			return wrong("manifest", "%s has another size or digest", name)
		}
		if parts := strings.Split(name, "/"); parts[0] == "chains" {
			chains[parts[1]] = true
		}
	}
	for _, each := range m.chains {
		if !members.has("chains/"+each.name+"/headers.tsv") || !members.has("chains/"+each.name+"/bodies.tsv") {
			return wrong("manifest", "%s is not here", each.name)
		}
	}
	if len(chains) != len(m.chains) {
		return wrong("manifest", "a chain that it does not name")
	}
	return nil
}

// linesOf cuts a member into lines without their LF; the last one has one, too.
func linesOf(data []byte) ([][]byte, bool) {
	if len(data) == 0 {
		return nil, true
	}
	lines := bytes.Split(data, []byte("\n"))
	end := len(lines) - 1
	return lines[:end], len(lines[end]) == 0
}
