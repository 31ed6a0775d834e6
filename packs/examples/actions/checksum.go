// Counts the bytes, lines and words of a text, and hashes it.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type result struct {
	Bytes  int    `json:"bytes"`
	Lines  int    `json:"lines"`
	Words  int    `json:"words"`
	Sha256 string `json:"sha256"`
}

func main() {
	var parameters struct{ Text string }
	if err := json.NewDecoder(os.Stdin).Decode(&parameters); err != nil {
		fmt.Fprintln(os.Stderr, "the parameters are no JSON:", err)
		os.Exit(2)
	}
	sum := sha256.Sum256([]byte(parameters.Text))
	json.NewEncoder(os.Stdout).Encode(result{
		Bytes:  len(parameters.Text),
		Lines:  strings.Count(parameters.Text, "\n"),
		Words:  len(strings.Fields(parameters.Text)),
		Sha256: hex.EncodeToString(sum[:]),
	})
}
