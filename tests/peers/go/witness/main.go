// witness is a C2SP witness (c2sp.org/tlog-witness) for one log: the handler, the checks and the database are those of
// github.com/transparency-dev/witness, unchanged; this gives them a key, a log and a socket.
//
//	witness -name NAME -seed HEX -log VERIFIER-KEY -database FILE [-listen 127.0.0.1:0]
//
// Prints its address when it listens.
package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/witness/persistence/sqlite"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	name := flag.String("name", "", "name of the witness's key")
	seed := flag.String("seed", "", "its Ed25519 seed, 64 hex digits")
	logKey := flag.String("log", "", "verifier key of the log")
	database := flag.String("database", "", "where it keeps what it has cosigned")
	listen := flag.String("listen", "127.0.0.1:0", "address")
	flag.Parse()

	key, err := hex.DecodeString(*seed)
	must(err)
	// The key id in the text of a private key is not looked at.
	text := fmt.Sprintf("PRIVATE+KEY+%s+00000000+%s", *name, base64.StdEncoding.EncodeToString(append([]byte{1}, key...)))
	signer, err := f_note.NewSignerForCosignatureV1(text)
	must(err)
	verifier, err := note.NewVerifier(*logKey)
	must(err)

	ctx := context.Background()
	store, closeStore, err := sqlite.New(ctx, sqlite.Opts{Path: *database, MaxOpenConns: 1})
	must(err)
	defer closeStore()
	made, err := witness.New(ctx, witness.Opts{
		Persistence: store,
		Signers:     []note.Signer{signer},
		VerifierForLog: func(_ context.Context, origin string) (note.Verifier, bool, error) {
			return verifier, origin == verifier.Name(), nil
		},
	})
	must(err)

	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", witness.NewHTTPHandler(made).AddCheckpoint)
	socket, err := net.Listen("tcp", *listen)
	must(err)
	fmt.Println(socket.Addr())
	must(http.Serve(socket, mux))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
