package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

const mostNote = 1 << 18

// witness is a key for cosignatures, type 0x04.
type witness verifier

func typedID(name string, kind byte, public []byte) []byte {
	sum := sha256.Sum256(append(append([]byte(name+"\n"), kind), public...))
	return sum[:4]
}

func readWitness(text string) (witness, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 || parts[0] == "" {
		return witness{}, errors.New("no verifier key")
	}
	raw, err := exactBase64(parts[2])
	if err != nil || len(raw) != 33 || raw[0] != 4 || parts[1] != hex.EncodeToString(typedID(parts[0], 4, raw[1:])) {
		return witness{}, errors.New("no verifier key of a witness")
	}
	return witness{parts[0], raw[1:]}, nil
}

// readNote cuts a note as c2sp.org/signed-note has it; lines of keys that nobody knows say nothing.
func readNote(data []byte) (string, []signed, error) {
	note := string(data)
	if len(data) > mostNote || !utf8.ValidString(note) {
		return "", nil, errors.New("too long, or no UTF-8")
	}
	if strings.ContainsFunc(note, func(letter rune) bool { return letter < ' ' && letter != '\n' }) {
		return "", nil, errors.New("a control character in a note")
	}
	text, lines, right := signatures(note)
	for _, line := range lines {
		blank := strings.ContainsFunc(line.name, unicode.IsSpace)
		right = right && line.name != "" && !blank && !strings.Contains(line.name, "+")
	}
	if !right {
		return "", nil, errors.New("no note")
	}
	return text, lines, nil
}

// checkpoint is what a log says of its tree.
type checkpoint struct {
	origin string
	size   int64
	root   []byte
}

func readCheckpoint(text string) (checkpoint, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 {
		return checkpoint{}, errors.New("a checkpoint has three lines")
	}
	for _, line := range lines {
		if line == "" {
			return checkpoint{}, errors.New("an empty line in a checkpoint")
		}
	}
	size, ok := decimal(lines[1])
	root, err := exactBase64(lines[2])
	nothing := sha256.Sum256(nil)
	if !ok || err != nil || len(root) != 32 || size == 0 && !bytes.Equal(root, nothing[:]) {
		return checkpoint{}, errors.New("no size or no root of a checkpoint")
	}
	return checkpoint{lines[0], size, root}, nil
}

// checkCheckpoint reads a checkpoint alone, as step 10 of a pack does.
func checkCheckpoint(data []byte, given trust) (int, error) {
	text, lines, err := readNote(data)
	if err != nil {
		return 0, asFault("checkpoint", err)
	}
	if _, err = readCheckpoint(text); err != nil {
		return 0, asFault("checkpoint", err)
	}
	cosigned, err := openCheckpoint(text, lines, given.logs, given.witnesses, given.needed)
	return cosigned, asFault("checkpoint", err)
}

// checkProofs holds each vector of inclusion to whether it holds; the first that is told otherwise is the fault.
func checkProofs(data []byte) (int, error) {
	var rows []struct {
		Kind, Leaf, Root, Change string
		Index, Size              int64
		Proof                    []string
		Holds                    bool
	}
	if err := json.Unmarshal(data, &rows); err != nil {
		return 0, err
	}
	seen := 0
	for _, row := range rows {
		if row.Kind != "inclusion" {
			continue
		}
		root, err := hex.DecodeString(row.Root)
		told := proof{index: row.Index}
		for _, each := range row.Proof {
			raw, wrong := hex.DecodeString(each)
			err = errors.Join(err, wrong)
			told.hashes = append(told.hashes, raw)
		}
		if err != nil {
			return seen, err
		}
		if (included(row.Leaf, told, checkpoint{size: row.Size, root: root}) == nil) != row.Holds {
			return seen, wrong("inclusion", "leaf %d of %d, %s", row.Index, row.Size, row.Change)
		}
		seen++
	}
	return seen, nil
}

// theOne finds the line of a key. Two by one key are none.
func theOne(lines []signed, name string, id []byte) (*signed, error) {
	var found *signed
	for at, line := range lines {
		if line.name == name && bytes.Equal(line.id, id) {
			if found != nil {
				return nil, fmt.Errorf("%s has signed twice", name)
			}
			found = &lines[at]
		}
	}
	return found, nil
}

// openCheckpoint checks the signatures of the log and of witnesses, and gives how many of those have cosigned.
func openCheckpoint(text string, lines []signed, logs []verifier, witnesses []witness, needed int) (int, error) {
	by := 0
	for _, key := range logs {
		line, err := theOne(lines, key.name, keyID(key.name, key.public))
		if err != nil {
			return 0, err
		}
		if line == nil {
			continue
		}
		if len(line.signature) != 64 || !ed25519.Verify(key.public, []byte(text), line.signature) {
			return 0, fmt.Errorf("the signature of %s does not hold", key.name)
		}
		by++
	}
	if by == 0 {
		return 0, errors.New("no given key has signed the checkpoint")
	}
	cosigned := 0
	for _, key := range witnesses {
		line, err := theOne(lines, key.name, typedID(key.name, 4, key.public))
		if err != nil {
			return 0, err
		}
		if line == nil {
			continue
		}
		if err := checkCosignature(text, key, line.signature); err != nil {
			return 0, err
		}
		cosigned++
	}
	if cosigned < needed {
		return 0, fmt.Errorf("%d cosignatures, and %d are needed", cosigned, needed)
	}
	return cosigned, nil
}

func checkCosignature(text string, by witness, line []byte) error {
	if len(line) != 8+64 || binary.BigEndian.Uint64(line) > math.MaxInt64 {
		return fmt.Errorf("the cosignature of %s is not in its form", by.name)
	}
	told := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(line), text)
	if !ed25519.Verify(by.public, []byte(told), line[8:]) {
		return fmt.Errorf("the cosignature of %s does not hold", by.name)
	}
	return nil
}

// proof says that a record is a leaf of the tree.
type proof struct {
	chain  string
	seq    int64
	index  int64
	hashes [][]byte
}

func readProof(line []byte) (proof, error) {
	value, err := readCanonical(line)
	told, ok := objectOf(value, "chain", "index", "proof", "seq")
	chain, okChain := told["chain"].(string)
	seq, okSeq := integer(told["seq"])
	index, okIndex := integer(told["index"])
	hashes, okHashes := told["proof"].([]any)
	if err != nil || !ok || !okChain || !okSeq || !okIndex || !okHashes {
		return proof{}, errors.New("no proof")
	}
	found := proof{chain: chain, seq: seq, index: index}
	for _, each := range hashes {
		text, _ := each.(string)
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(raw) != 32 || base64.StdEncoding.EncodeToString(raw) != text {
			return proof{}, errors.New("a proof of something else than hashes")
		}
		found.hashes = append(found.hashes, raw)
	}
	return found, nil
}

func node(left, right []byte) []byte {
	sum := sha256.Sum256(append(append([]byte{1}, left...), right...))
	return sum[:]
}

// included follows the path of RFC 9162, 2.1.3.2, from the leaf of a link to the root.
func included(link string, told proof, tree checkpoint) error {
	raw, err := hex.DecodeString(link)
	if err != nil || told.index < 0 || told.index >= tree.size {
		return fmt.Errorf("a tree of %d leaves has no leaf %d", tree.size, told.index)
	}
	leaf := sha256.Sum256(append([]byte{0}, raw...))
	place, last, found := told.index, tree.size-1, leaf[:]
	for _, sibling := range told.hashes {
		if last == 0 {
			return errors.New("the proof is too long")
		}
		if place&1 == 1 || place == last {
			found = node(sibling, found)
			for place&1 == 0 && place != 0 {
				place, last = place>>1, last>>1
			}
		} else {
			found = node(found, sibling)
		}
		place, last = place>>1, last>>1
	}
	if last != 0 || !bytes.Equal(found, tree.root) {
		return errors.New("the proof leads to another root")
	}
	return nil
}
