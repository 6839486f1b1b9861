package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"regexp"
)

const (
	mostMembers = 4096
	mostBytes   = 1 << 34
	manifestAt  = "manifest.json"
)

var memberName = regexp.MustCompile(
	`^(manifest\.json|log/(checkpoint|keys|proofs\.jsonl)|` +
		`chains/chain-[0-9a-f]{16}/(headers\.tsv|bodies\.tsv|texts\.jsonl|receipts\.tsv|ledger-keys\.tsv))$`)

// place is where the packed bytes of a member are, and what its directory entry says of them.
type place struct {
	packed   []byte
	deflated bool
	crc      uint32
	size     uint64
}

// archive is the file of a pack, of which every byte is accounted for.
type archive struct {
	names  []string
	places map[string]place
}

func openArchive(path string) (*archive, []byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	found := &archive{places: map[string]place{}}
	return found, data, nil
}

// read goes through the directory, and through the local headers beside it.
func (a *archive) read(data []byte) error {
	if len(data) < 22 {
		return wrong("file", "too short for a pack")
	}
	end := data[len(data)-22:]
	count, length, offset := uint16At(end, 10), uint32At(end, 12), uint32At(end, 16)
	if !bytes.Equal(end[:8], []byte("PK\x05\x06\x00\x00\x00\x00")) || uint16At(end, 8) != count || uint16At(end, 20) != 0 {
		return wrong("file", "the file does not end as a pack does")
	}
	if count < 1 || count > mostMembers || uint64(offset)+uint64(length) != uint64(len(data)-22) {
		return wrong("file", "no directory of a pack")
	}
	directory, begin, last, total := data[offset:len(data)-22], 0, "", uint64(0)
	for range count {
		name, found, rest, err := entry(data[:offset], directory, begin)
		if err != nil {
			return err
		}
		if name <= last {
			return wrong("file", "names twice, or out of order")
		}
		a.names, a.places[name] = append(a.names, name), found
		begin, last, directory, total = begin+30+len(name)+len(found.packed), name, rest, total+found.size
	}
	if len(directory) > 0 || begin != int(offset) || total > mostBytes {
		return wrong("file", "bytes of no member, or too many")
	}
	if _, there := a.places[manifestAt]; !there {
		return wrong("file", "there is no manifest")
	}
	return nil
}

// entry reads one entry of the directory; its member begins right behind the one before.
func entry(members, directory []byte, begin int) (string, place, []byte, error) {
	if len(directory) < 46 || !bytes.Equal(directory[:4], []byte("PK\x01\x02")) {
		return "", place{}, nil, wrong("file", "no entry of a directory")
	}
	size := int(uint16At(directory, 28))
	if len(directory) < 46+size || !memberName.Match(directory[46:46+size]) {
		return "", place{}, nil, wrong("file", "a name of no member")
	}
	name, method := string(directory[46:46+size]), uint16At(directory, 10)
	// Made by 2.0 on Unix; no extra field, comment, disk or inner attribute; mode 0600; where the member stands.
	expected := binary.LittleEndian.AppendUint32(append(make([]byte, 8), 0, 0, 0x80, 1), uint32(begin))
	if uint16At(directory, 4) != 3<<8|20 || !bytes.Equal(directory[30:46], expected) {
		return "", place{}, nil, wrong("file", "%s is not written as a member is", name)
	}
	// Needs 2.0, no flags; 1980-01-01 00:00.
	if uint16At(directory, 6) != 20 || uint16At(directory, 8) != 0 || method != 0 && method != 8 || uint32At(directory, 12) != 0x210000 {
		return "", place{}, nil, wrong("file", "%s is not written as a member is", name)
	}
	local := append([]byte("PK\x03\x04"), directory[6:30]...)
	local = append(append(local, 0, 0), name...)
	packed := uint64(uint32At(directory, 20))
	if !bytes.HasPrefix(members[min(begin, len(members)):], local) || uint64(begin+len(local))+packed > uint64(len(members)) {
		return "", place{}, nil, wrong("file", "%s does not stand where the directory says", name)
	}
	found := place{members[begin+len(local):][:packed], method == 8, uint32At(directory, 16), uint64(uint32At(directory, 24))}
	return name, found, directory[46+size:], nil
}

// content gives what a member holds, in the length and with the checksum that the directory says.
func (a *archive) content(name string) ([]byte, error) {
	found := a.places[name]
	data := found.packed
	if found.deflated {
		packed := bytes.NewReader(found.packed) // byte by byte, so that what is left behind the end can be seen
		plain := flate.NewReader(packed)
		var err error
		data, err = io.ReadAll(io.LimitReader(plain, int64(found.size)+1))
		if err != nil || packed.Len() > 0 {
			return nil, wrong("file", "%s is not compressed as a pack is", name)
		}
	}
	if uint64(len(data)) != found.size || crc32.ChecksumIEEE(data) != found.crc {
		return nil, wrong("file", "%s has another length or checksum", name)
	}
	return data, nil
}

// whole gives a member that has no more bytes than that.
func (a *archive) whole(name string, most uint64) ([]byte, error) {
	if a.places[name].size > most {
		return nil, wrong("file", "%s has more than %d bytes", name, most)
	}
	return a.content(name)
}

func (a *archive) has(name string) bool {
	_, there := a.places[name]
	return there
}

func uint16At(data []byte, at int) uint16 { return binary.LittleEndian.Uint16(data[at:]) }

func uint32At(data []byte, at int) uint32 { return binary.LittleEndian.Uint32(data[at:]) }
