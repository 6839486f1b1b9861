package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
)

// formats are vectors of single formats: one of each, with everything that goes into it.
type formats map[string]map[string]string

func (f formats) bytes(format, member string) []byte {
	raw, _ := base64.StdEncoding.DecodeString(f[format][member])
	return raw
}

// checkFormats holds each vector to the page; the rule of a fault is the name of the format.
func checkFormats(data []byte) error {
	var found formats
	if err := json.Unmarshal(data, &found); err != nil {
		return err
	}
	body, head, err := found.checkRecord()
	if err != nil {
		return asFault("record", err)
	}
	key, err := found.unwrapped()
	if err != nil {
		return asFault("wrapped_key", err)
	}
	if err := found.checkBox(body, key, head.tenant); err != nil {
		return asFault("box", err)
	}
	steps := []struct {
		rule string
		good bool
	}{
		{"commitment", keyed(found.bytes("commitment", "salt"), []byte(found["commitment"]["value"])) == found["commitment"]["hmac"]},
		{"pseudonym", found.pseudonym()[:32] == found["pseudonym"]["pseudonym"]},
		{"head", found.headHolds(head)},
		{"certificate", found.certificateHolds(head)},
		{"verifier_key", found.verifierHolds()},
	}
	for _, step := range steps {
		if !step.good {
			return wrong(step.rule, "it is not what the page makes of it")
		}
	}
	return nil
}

func keyed(key, value []byte) string {
	made := hmac.New(sha256.New, key)
	made.Write(value)
	return hex.EncodeToString(made.Sum(nil))
}

func (f formats) checkRecord() (*record, header, error) {
	head, body := f["header"]["canonical"], f["body"]["canonical"]
	read, err := readLine([]byte(f["record"]["line"]))
	if err != nil || read.record == nil {
		return nil, header{}, errors.New("no line of a record")
	}
	if f["record"]["line"] != "record\t"+head+"\t"+body+"\t"+f["header"]["link"] {
		return nil, header{}, errors.New("the line has other parts")
	}
	if hash("agentgate/body/v1\x00", []byte(body)) != f["body"]["body_hash"] {
		return nil, header{}, errors.New("the body has another hash")
	}
	return read.record, read.record.header, nil
}

// unwrapped opens the data key with the tenant's private half.
func (f formats) unwrapped() ([]byte, error) {
	line := strings.TrimSuffix(f["wrapped_key"]["line"], "\n")
	id, tenant, err := readKey([]byte(line))
	if err != nil {
		return nil, err
	}
	value, _ := readCanonical([]byte(line))
	members := value.(object)
	unit, _ := members["unit"].(string)
	wrapped, err := exactBase64(members["wrapped"].(string))
	if err != nil {
		return nil, err
	}
	info := "agentgate/data-key/v1\x00[" + writeText(tenant.(string)) + "," + writeText(unit) + "]"
	scalar, err := ecdh.X25519().NewPrivateKey(f.bytes("wrapped_key", "private"))
	if err != nil {
		return nil, err
	}
	private, err := hpke.NewDHKEMPrivateKey(scalar)
	if err != nil {
		return nil, err
	}
	key, err := hpke.Open(private, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(info), wrapped)
	switch {
	case err != nil:
		return nil, err
	case info != string(f.bytes("wrapped_key", "info")), string(key) != string(f.bytes("wrapped_key", "data_key")),
		string(wrapped) != string(f.bytes("wrapped_key", "wrapped")):
		return nil, errors.New("another info or data key")
	case !strings.Contains(f["body"]["canonical"], id):
		return nil, errors.New("the body names another data key")
	}
	return key, nil
}

// checkBox opens the box of the record, and holds what is in it to the commitments.
func (f formats) checkBox(found *record, key []byte, tenant string) error {
	read, err := readLine([]byte(strings.TrimSuffix(f["box"]["line"], "\n")))
	if err != nil || !read.isBox || hash("", read.box) != found.box {
		return errors.New("not the box that the body names")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	id := found.body["sealed"].(object)["key"].(string)
	data := "agentgate/box/v1\x00" + id + tenant
	if f["box"]["hash"] != found.box || string(f.bytes("box", "nonce")) != string(read.box[:12]) ||
		string(f.bytes("box", "associated_data")) != data || string(f.bytes("box", "data_key")) != string(key) {
		return errors.New("what goes into the box is something else")
	}
	plain, err := gcm.Open(nil, read.box[:12], read.box[12:], []byte(data))
	if err != nil {
		return err
	}
	value, err := readCanonical(plain)
	secrets, ok := value.(object)
	commitments := found.body["commitments"].(object)
	if err != nil || !ok || len(secrets) != len(commitments) {
		return errors.New("the box does not hold what was committed to")
	}
	for name, secret := range secrets {
		promised := commitments[name].(object)
		salt, text, err := opened(secret.(object))
		if err != nil || len(salt) != 32 || keyed(salt, text) != promised["hmac"] || float64(len(text)) != promised["bytes"] {
			return errors.New(name + " is not what was committed to")
		}
	}
	return nil
}

func opened(secret object) (salt, text []byte, err error) {
	encoded, _ := secret["salt"].(string)
	if salt, err = exactBase64(encoded); err != nil {
		return nil, nil, err
	}
	if value, there := secret["text"].(string); there {
		return salt, []byte(value), nil
	}
	encoded, _ = secret["base64"].(string)
	text, err = exactBase64(encoded)
	return salt, text, err
}

func (f formats) pseudonym() string {
	given := f["pseudonym"]
	text := "[" + writeText(given["tenant"]) + "," + writeText(given["kind"]) + "," + writeText(given["text"]) + "]"
	return keyed(f.bytes("pseudonym", "key"), []byte(text))
}

func (f formats) headHolds(of header) bool {
	text, err := openNote(f["head"]["note"], "agentgate/"+of.incarnation, f.bytes("head", "public"))
	if err != nil || f["head"]["name"] != "agentgate/"+of.incarnation {
		return false
	}
	found, err := readHead(text)
	return err == nil && found.incarnation == of.incarnation && found.seq == of.seq && found.link == f["header"]["link"]
}

func (f formats) certificateHolds(of header) bool {
	statement := f.bytes("certificate", "statement")
	rest, tagged := strings.CutPrefix(string(statement), "agentgate/incarnation/v1\x00")
	value, err := readCanonical([]byte(rest))
	members, ok := value.(object)
	named := err == nil && ok && len(members) == 5 && members["incarnation"] == of.incarnation &&
		members["sidecar"] == of.sidecar && members["tenant"] == of.tenant && members["public_key"] == f["head"]["public"]
	return tagged && named &&
		ed25519.Verify(f.bytes("certificate", "identity"), statement, f.bytes("certificate", "signature"))
}

func (f formats) verifierHolds() bool {
	found, err := readVerifier(f["verifier_key"]["text"])
	return err == nil && found.name == f["verifier_key"]["name"] &&
		base64.StdEncoding.EncodeToString(found.public) == f["verifier_key"]["public"]
}
