// Command verifier checks evidence and packs of AgentGate. It does what docs/evidence.md, docs/keys.md, docs/log.md and
// docs/packs.md say, and shares no code with it.
//
//	verifier [-key BASE64] [-receipt-key KEY]... folder DIR
//	verifier [-key BASE64] [-receipt-key KEY]... [-log-key KEY]... [-witness-key KEY]... [-witnesses N] [-sha256 HEX] pack FILE
//	verifier batch FILE
//	verifier -receipt-key KEY receipt FILE
//	verifier -receipt-key KEY history FILE
//	verifier -receipt-key KEY -history FILE receipt FILE
//	verifier -log-key KEY [-witness-key KEY]... [-witnesses N] checkpoint FILE
//	verifier proofs FILE
//	verifier canonical FILE
//	verifier formats FILE
//
// It prints {"ok":…, "records":…, "witnessed":…, "error":…, "rule":…}; `rule` is the step or rule by its name, and of a
// pack {"steps":[…], "selected":…, "self_asserted":…, "cosigned":…} as well. The exit code is 0, 1 where something is
// wrong, 64 where there is nothing to check.
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

	Steps        []string `json:"steps,omitempty"`
	Selected     int64    `json:"selected"`
	SelfAsserted int64    `json:"self_asserted"`
	Cosigned     int      `json:"cosigned"`
}

var keyHistory string

func main() {
	key := flag.String("key", "", "the identity's public key, base64")
	var given trust
	keyFlag("receipt-key", "the verifier key of a ledger", readVerifier, &given.ledgers)
	keyFlag("log-key", "for a pack: the verifier key of a log", readVerifier, &given.logs)
	keyFlag("witness-key", "for a pack: the verifier key of a witness", readWitness, &given.witnesses)
	flag.IntVar(&given.needed, "witnesses", -1, "for a pack: how many of the witnesses must have cosigned, all if not said")
	flag.StringVar(&given.sha256, "sha256", "", "for a pack: what its file must have")
	flag.StringVar(&keyHistory, "history", "", "for a receipt: the history of the ledger's keys")
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(64)
	}
	if given.needed < 0 {
		given.needed = len(given.witnesses)
	}
	if given.needed > len(given.witnesses) || len(given.witnesses) > 0 && len(given.logs) == 0 {
		fmt.Fprintln(os.Stderr, "-witnesses, -witness-key: more than there are, or without -log-key")
		os.Exit(64)
	}
	if *key != "" {
		raw, err := exactBase64(*key)
		if err != nil || len(raw) != 32 {
			fmt.Fprintln(os.Stderr, "-key is no public key")
			os.Exit(64)
		}
		given.identity = raw
	}
	var found verdict
	err := check(flag.Arg(0), flag.Arg(1), given, &found)
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

func keyFlag[T any](name, usage string, read func(string) (T, error), into *[]T) {
	flag.Func(name, usage, func(text string) error {
		key, err := read(text)
		*into = append(*into, key)
		return err
	})
}

func check(what, path string, given trust, found *verdict) error {
	ledgers := given.ledgers
	switch what {
	case "folder":
		return checkFolder(path, given.identity, ledgers, found)
	case "pack":
		return checkPack(path, given, found)
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
	case "checkpoint":
		found.Cosigned, err = checkCheckpoint(data, given)
		return err
	case "proofs":
		found.Records, err = checkProofs(data)
		return err
	case "formats":
		return checkFormats(data)
	case "canonical":
		_, err := readCanonical(data)
		return asFault("canonical", err)
	}
	return fmt.Errorf("%s: folder, pack, batch, receipt, history, checkpoint, proofs, canonical or formats", what)
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
var receiptOnItsWay = regexp.MustCompile(`^\.chain-[0-9a-f]{16}\.(receipts\.tsv|keys\.jsonl)$`)

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
