package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	seconds, err := strconv.ParseFloat(os.Getenv("ATTUNE_PARAM_SECONDS"), 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	time.Sleep(time.Duration(seconds * float64(time.Second)))
	fmt.Println(`{"runtime": "go"}`)
}
