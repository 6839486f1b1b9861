// logcheck reads a log of static files with the libraries of Go's checksum database, which know nothing of AgentGate.
//
//	logcheck -log FOLDER|URL -key VERIFIER-KEY [-leaf INDEX:HEX]… [-old SIZE:HEX]… [-given INDEX:HEX:HEX,…]…
//
// It opens the checkpoint with the key, finds each leaf in its bundle and proves it out of the tiles, proves growth
// from each older root, and checks each inclusion proof that is given. Tiles are held to the root while they are read.
// Prints {"origin", "size", "root"}; exit code 1 and a line that says what does not hold.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func main() {
	var leaves, olds, givens list
	place := flag.String("log", "", "folder or URL of the log")
	key := flag.String("key", "", "verifier key of the log")
	flag.Var(&leaves, "leaf", "INDEX:HEX of a leaf that must be there")
	flag.Var(&olds, "old", "SIZE:HEX of an older root")
	flag.Var(&givens, "given", "INDEX:HEX of a leaf:HEX,… of its inclusion proof")
	flag.Parse()
	if err := run(*place, *key, leaves, olds, givens); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(place, key string, leaves, olds, givens []string) error {
	origin, tree, err := checkpoint(place, key)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	hashes := tlog.TileHashReader(tree, tiles{place})
	if tree.N > 0 {
		root, err := tlog.TreeHash(tree.N, hashes)
		if err != nil || root != tree.Hash {
			return fmt.Errorf("the tiles do not lead to the root: %v", err)
		}
	}
	for _, leaf := range leaves {
		if err := checkLeaf(place, tree, hashes, leaf); err != nil {
			return fmt.Errorf("leaf %s: %w", leaf, err)
		}
	}
	for _, old := range olds {
		if err := checkOld(tree, hashes, old); err != nil {
			return fmt.Errorf("old root %s: %w", old, err)
		}
	}
	for _, given := range givens {
		if err := checkGiven(tree, given); err != nil {
			return fmt.Errorf("given proof %s: %w", given, err)
		}
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"origin": origin, "size": tree.N, "root": hex.EncodeToString(tree.Hash[:]),
	})
}

func checkpoint(place, key string) (string, tlog.Tree, error) {
	signed, err := get(place, "checkpoint")
	if err != nil {
		return "", tlog.Tree{}, err
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return "", tlog.Tree{}, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return "", tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return "", tlog.Tree{}, errors.New("not a checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return "", tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return "", tlog.Tree{}, errors.New("not a root")
	}
	return lines[0], tlog.Tree{N: size, Hash: tlog.Hash(root)}, nil
}

func checkLeaf(place string, tree tlog.Tree, hashes tlog.HashReader, spec string) error {
	index, leaf, err := numbered(spec)
	if err != nil {
		return err
	}
	found, err := entry(place, tree.N, index)
	if err != nil {
		return err
	}
	if !bytes.Equal(found, leaf) {
		return fmt.Errorf("its bundle holds %x", found)
	}
	proof, err := tlog.ProveRecord(tree.N, index, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf))
}

func checkOld(tree tlog.Tree, hashes tlog.HashReader, spec string) error {
	size, root, err := numbered(spec)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(tree.N, size, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, size, tlog.Hash(root))
}

func checkGiven(tree tlog.Tree, spec string) error {
	spec, given, _ := cutLast(spec)
	index, leaf, err := numbered(spec)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, text := range strings.FieldsFunc(given, func(r rune) bool { return r == ',' }) {
		hash, err := hex.DecodeString(text)
		if err != nil {
			return err
		}
		proof = append(proof, tlog.Hash(hash))
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf))
}

func cutLast(s string) (string, string, bool) {
	at := strings.LastIndex(s, ":")
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+1:], true
}

func numbered(spec string) (int64, []byte, error) {
	number, text, _ := strings.Cut(spec, ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, nil, err
	}
	data, err := hex.DecodeString(text)
	return n, data, err
}

// entry reads one leaf out of its bundle.
func entry(place string, size, index int64) ([]byte, error) {
	n, width := index>>height, int64(1)<<height
	if end := size - n<<height; end < width {
		width = end
	}
	path := strings.Replace(tlog.Tile{H: height, L: 0, N: n, W: int(width)}.Path(), "tile/8/0/", "tile/entries/", 1)
	data, err := get(place, path)
	if err != nil {
		return nil, err
	}
	for at := int64(0); ; at++ {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, errors.New("the bundle ends before it")
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		if at == index&(1<<height-1) {
			return data[2:end], nil
		}
		data = data[end:]
	}
}

// tiles gives the tiles of a place to the libraries, which ask for height, level and number.
type tiles struct{ place string }

func (t tiles) Height() int                     { return height }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, err := get(t.place, strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil && tile.W < 1<<height { // it may have been replaced by the whole one
			whole := tile
			whole.W = 1 << height
			if data, err = get(t.place, strings.Replace(whole.Path(), "tile/8/", "tile/", 1)); err == nil {
				data = data[:tile.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func get(place, path string) ([]byte, error) {
	if !strings.HasPrefix(place, "http://") {
		return os.ReadFile(filepath.Join(place, filepath.FromSlash(path)))
	}
	answer, err := http.Get(strings.TrimSuffix(place, "/") + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}
