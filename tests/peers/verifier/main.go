// Command verifier checks evidence of AgentGate. It was written from docs/evidence.md and
// docs/keys.md alone and shares nothing with it.
//
//	verifier [-key BASE64] [-receipt-key KEY]... folder DIR
//	verifier batch FILE
//	verifier -receipt-key KEY receipt FILE
//	verifier -receipt-key KEY history FILE
//	verifier -receipt-key KEY -history FILE receipt FILE
//	verifier canonical FILE
//	verifier formats FILE
//
// It prints {"ok":…, "records":…, "witnessed":…, "error":…, "rule":…}; `rule` is the step or rule by its name. The exit
// code is 0, 1 where something is wrong, 64 where there is nothing to check.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

type verdict struct {
	OK        bool    `json:"ok"`
	Records   int     `json:"records"`
	Witnessed int64   `json:"witnessed"`
	Error     *string `json:"error"`
	Rule      *string `json:"rule"`
}

var keyHistory string

func main() {
	key := flag.String("key", "", "the identity's public key, base64")
	var ledgers []verifier
	flag.Func("receipt-key", "the verifier key of a ledger", func(text string) error {
		ledger, err := readVerifier(text)
		ledgers = append(ledgers, ledger)
		return err
	})
	flag.StringVar(&keyHistory, "history", "", "for a receipt: the history of the ledger's keys")
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(64)
	}
	var pinned []byte
	if *key != "" {
		raw, err := exactBase64(*key)
		if err != nil || len(raw) != 32 {
			fmt.Fprintln(os.Stderr, "-key is no public key")
			os.Exit(64)
		}
		pinned = raw
	}
	var found verdict
	err := check(flag.Arg(0), flag.Arg(1), pinned, ledgers, &found)
	var wrong fault
	if errors.As(err, &wrong) {
		what := wrong.what
		found.Error, found.Rule = &what, &wrong.rule
	} else if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(64)
	}
	found.OK = err == nil
	printed, _ := json.Marshal(found)
	fmt.Println(string(printed))
	if err != nil {
		os.Exit(1)
	}
}

func check(what, path string, pinned []byte, ledgers []verifier, found *verdict) error {
	if what == "folder" {
		return checkFolder(path, pinned, ledgers, found)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	switch what {
	case "batch":
		found.Records, err = checkBatch(data)
		return err
	case "receipt":
		return checkReceipt(string(data), ledgers)
	case "history":
		if len(ledgers) != 1 {
			return errors.New("a history is checked with one -receipt-key")
		}
		_, err := readHistory(data, ledgers[0])
		return err
	case "formats":
		return checkFormats(data)
	case "canonical":
		_, err := readCanonical(data)
		return asFault("canonical", err)
	}
	return fmt.Errorf("%s: folder, batch, receipt, history, canonical or formats", what)
}

func checkReceipt(note string, ledgers []verifier) error {
	if len(ledgers) != 1 {
		return errors.New("a receipt is checked with one -receipt-key")
	}
	if keyHistory != "" {
		data, err := os.ReadFile(keyHistory)
		if err != nil {
			return err
		}
		keys, err := readHistory(data, ledgers[0])
		if err == nil {
			_, err = keys.open(note)
		}
		return err
	}
	text, err := openNote(note, ledgers[0].name, ledgers[0].public)
	if err != nil {
		return asFault("signature", err)
	}
	_, err = readReceipt(text)
	return asFault("text", err)
}

var chainName = regexp.MustCompile(`^chain-[0-9a-f]{16}$`)
var receiptOnItsWay = regexp.MustCompile(`^\.chain-[0-9a-f]{16}\.receipts\.tsv$`)

func checkFolder(folder string, pinned []byte, ledgers []verifier, found *verdict) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var first, stray error // what does not belong there is told first
	for _, entry := range entries {
		if entry.Type().IsRegular() && receiptOnItsWay.MatchString(entry.Name()) {
			continue
		}
		if !entry.IsDir() || !chainName.MatchString(entry.Name()) {
			if stray == nil {
				stray = wrong("files", "%s is not evidence", entry.Name())
			}
			continue
		}
		checked := chain{pinned: pinned, ledgers: ledgers}
		err := checked.check(filepath.Join(folder, entry.Name()))
		found.Records += checked.records
		if checked.records > 0 {
			found.Witnessed += max(0, checked.witnessed-checked.first+1)
		}
		if err != nil && first == nil {
			first = err
		}
	}
	if stray != nil {
		return stray
	}
	return first
}
