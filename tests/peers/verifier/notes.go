package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

type verifier struct {
	name   string
	public []byte
}

func keyID(name string, public []byte) []byte {
	sum := sha256.Sum256(append([]byte(name+"\n\x01"), public...))
	return sum[:4]
}

func readVerifier(text string) (verifier, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 || parts[0] == "" {
		return verifier{}, errors.New("no verifier key")
	}
	raw, err := exactBase64(parts[2])
	if err != nil || len(raw) != 33 || raw[0] != 1 {
		return verifier{}, errors.New("no verifier key of Ed25519")
	}
	if parts[1] != hex.EncodeToString(keyID(parts[0], raw[1:])) {
		return verifier{}, errors.New("the key id is another one")
	}
	return verifier{parts[0], raw[1:]}, nil
}

// openNote gives the text of a note with one signature by name; without a public key that is not checked.
func openNote(note, name string, public []byte) (string, error) {
	cut := strings.LastIndex(note, "\n\n")
	if cut < 0 {
		return "", errors.New("a note without an empty line")
	}
	text, signature := note[:cut+1], note[cut+2:]
	encoded, found := strings.CutPrefix(signature, "— "+name+" ")
	if !found || !strings.HasSuffix(encoded, "\n") {
		return "", fmt.Errorf("no note that %s has signed", name)
	}
	raw, err := exactBase64(strings.TrimSuffix(encoded, "\n"))
	if err != nil || len(raw) != 68 {
		return "", errors.New("no signature in a note")
	}
	if public == nil {
		return text, nil
	}
	if !bytes.Equal(raw[:4], keyID(name, public)) || !ed25519.Verify(public, []byte(text), raw[4:]) {
		return "", errors.New("the signature of a note does not hold")
	}
	return text, nil
}

// decimal reads a number without leading zeros.
func decimal(text string) (int64, bool) {
	number, err := strconv.ParseInt(text, 10, 64)
	return number, err == nil && number >= 0 && strconv.FormatInt(number, 10) == text
}

// fields splits a text of so many lines, each with its LF, the first of which is the title.
func fields(text, title string, count int) ([]string, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != count+1 || lines[count] != "" || lines[0] != title {
		return nil, fmt.Errorf("the text of the note is not that of %s", title)
	}
	return lines[:count], nil
}

type head struct {
	incarnation string
	seq         int64
	link        string
}

func readHead(text string) (head, error) {
	lines, err := fields(text, "agentgate/head/v1", 5)
	if err != nil {
		return head{}, err
	}
	seq, ok := decimal(lines[2])
	if !ok || !digest.MatchString(lines[3]) {
		return head{}, errors.New("a head names no record")
	}
	return head{lines[1], seq, lines[3]}, nil
}

type receipt struct {
	sidecar, tenant, chain, incarnation string
	seq                                 int64
	link                                string
}

func readReceipt(text string) (receipt, error) {
	lines, err := fields(text, "agentgate/receipt/v1", 9)
	if err != nil {
		return receipt{}, err
	}
	tenant, err := readText([]byte(lines[2]))
	if err != nil {
		return receipt{}, err
	}
	seq, ok := decimal(lines[5])
	if !ok || !digest.MatchString(lines[6]) {
		return receipt{}, errors.New("a receipt names no record")
	}
	if !strings.Contains(lines[8], " ") {
		return receipt{}, errors.New("a receipt has two times")
	}
	return receipt{lines[1], tenant, lines[3], lines[4], seq, lines[6]}, nil
}
