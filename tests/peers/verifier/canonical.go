package main

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// spelled is a number that keeps its spelling.
type spelled string

// object is a JSON object; its keys are without our escape.
type object map[string]any

var errForm = errors.New("not in canonical form")

const maxDepth = 128

// readCanonical gives the value whose canonical form is data: nil, bool, float64, string, spelled, []any or object.
func readCanonical(data []byte) (any, error) {
	p := &parser{data: data}
	value, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.at != len(data) {
		return nil, errForm
	}
	return value, nil
}

type parser struct {
	data []byte
	at   int
}

func (p *parser) next() byte {
	if p.at >= len(p.data) {
		return 0
	}
	return p.data[p.at]
}

func (p *parser) word(word string, value any) (any, error) {
	if !strings.HasPrefix(string(p.data[p.at:min(len(p.data), p.at+len(word))]), word) {
		return nil, errForm
	}
	p.at += len(word)
	return value, nil
}

// value reads one value that lies within depth arrays and objects.
func (p *parser) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errForm
	}
	switch p.next() {
	case 'n':
		return p.word("null", nil)
	case 't':
		return p.word("true", true)
	case 'f':
		return p.word("false", false)
	case '"':
		return p.text()
	case '[':
		return p.array(depth)
	case '{':
		return p.object(depth)
	}
	return p.number()
}

func (p *parser) array(depth int) (any, error) {
	items := []any{}
	p.at++
	if p.next() == ']' {
		p.at++
		return items, nil
	}
	for {
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		p.at++
		switch p.data[min(p.at-1, len(p.data)-1)] {
		case ',':
		case ']':
			return items, nil
		default:
			return nil, errForm
		}
	}
}

func (p *parser) object(depth int) (any, error) {
	found := object{}
	p.at++
	if p.next() == '}' {
		p.at++
		return found, nil
	}
	var before []uint16
	for first := true; ; first = false {
		if p.next() != '"' {
			return nil, errForm
		}
		key, err := p.text()
		if err != nil {
			return nil, err
		}
		units := utf16.Encode([]rune(key))
		if !first && !less(before, units) {
			return nil, errForm
		}
		before = units
		if p.next() != ':' {
			return nil, errForm
		}
		p.at++
		if strings.HasPrefix(key, "$") && !strings.HasPrefix(key, "$$") {
			return p.escape(key, first)
		}
		value, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		found[strings.TrimPrefix(key, "$")] = value
		end := p.next()
		p.at++
		if end == '}' {
			return found, nil
		}
		if end != ',' {
			return nil, errForm
		}
	}
}

func (p *parser) escape(key string, first bool) (any, error) {
	if key != "$n" || !first || p.next() != '"' {
		return nil, errForm
	}
	text, err := p.text()
	if err != nil || p.next() != '}' {
		return nil, errForm
	}
	p.at++
	return spelled(text), nil
}

func less(a, b []uint16) bool {
	for i := range a {
		if i >= len(b) {
			return false
		}
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return len(a) < len(b)
}

var short = map[byte]byte{'"': '"', '\\': '\\', 'b': '\b', 't': '\t', 'n': '\n', 'f': '\f', 'r': '\r'}

func (p *parser) text() (string, error) {
	p.at++
	var out []byte
	for p.at < len(p.data) {
		b := p.data[p.at]
		switch {
		case b == '"':
			p.at++
			if !utf8.Valid(out) {
				return "", errForm
			}
			return string(out), nil
		case b < 0x20:
			return "", errForm
		case b != '\\':
			out = append(out, b)
			p.at++
		default:
			letter, size := p.escaped()
			if size == 0 {
				return "", errForm
			}
			out = append(out, letter)
			p.at += size
		}
	}
	return "", errForm
}

var control = regexp.MustCompile(`^\\u00[01][0-9a-f]$`)

// escaped reads one escape and gives its character and its length; 0 where it is none that is ever written.
func (p *parser) escaped() (byte, int) {
	if p.at+1 >= len(p.data) {
		return 0, 0
	}
	if letter, ok := short[p.data[p.at+1]]; ok {
		return letter, 2
	}
	whole := string(p.data[p.at:min(len(p.data), p.at+6)])
	if !control.MatchString(whole) {
		return 0, 0
	}
	code, _ := strconv.ParseUint(whole[2:], 16, 8)
	if strings.IndexByte("\b\t\n\f\r", byte(code)) >= 0 {
		return 0, 0
	}
	return byte(code), 6
}

var number = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?`)

func (p *parser) number() (any, error) {
	token := string(number.Find(p.data[p.at:]))
	value, err := strconv.ParseFloat(token, 64)
	if err != nil || ecmaScript(value) != token {
		return nil, errForm
	}
	p.at += len(token)
	return value, nil
}

// ecmaScript spells a finite double as Number::toString does.
func ecmaScript(value float64) string {
	if value == 0 {
		return "0"
	}
	sign := ""
	if value < 0 {
		sign, value = "-", math.Abs(value)
	}
	mantissa, power, _ := strings.Cut(strconv.FormatFloat(value, 'e', -1, 64), "e")
	digits := strings.Replace(mantissa, ".", "", 1)
	exponent, _ := strconv.Atoi(power)
	point := exponent + 1
	switch {
	case len(digits) <= point && point <= 21:
		return sign + digits + strings.Repeat("0", point-len(digits))
	case 0 < point && point <= 21:
		return sign + digits[:point] + "." + digits[point:]
	case -6 < point && point <= 0:
		return sign + "0." + strings.Repeat("0", -point) + digits
	}
	if len(digits) > 1 {
		digits = digits[:1] + "." + digits[1:]
	}
	if exponent > 0 {
		return sign + digits + "e+" + strconv.Itoa(exponent)
	}
	return sign + digits + "e" + strconv.Itoa(exponent)
}

// writeText gives the canonical form of a string.
func writeText(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, letter := range text {
		switch {
		case strings.ContainsRune("\"\\", letter):
			out.WriteByte('\\')
			out.WriteRune(letter)
		case strings.ContainsRune("\b\t\n\f\r", letter):
			out.WriteByte('\\')
			out.WriteByte("btn_fr"[letter-'\b'])
		case letter < 0x20:
			out.WriteString(`\u00`)
			out.WriteString(strconv.FormatInt(int64(letter)+0x100, 16)[1:])
		default:
			out.WriteRune(letter)
		}
	}
	out.WriteByte('"')
	return out.String()
}
