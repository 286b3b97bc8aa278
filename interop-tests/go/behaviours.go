package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"strings"
	"time"
)

const timePerBehaviour = 20 * time.Second

// behaviour is a test named as a sentence. It fails by panicking.
type behaviour struct {
	sentence string
	test     func(*client)
}

// runAll prints a line for each behaviour, fields separated by tabs: "ok", sentence or "FAILED", sentence, why; and
// "end" once all have run. It returns the number of failures.
func runAll(behaviours []behaviour) int {
	failures := 0
	for _, one := range behaviours {
		result := make(chan string, 1)
		go func() { result <- outcome(one.test) }()
		var why string
		select {
		case why = <-result:
		case <-time.After(timePerBehaviour):
			why = fmt.Sprintf("not finished after %v", timePerBehaviour)
		}
		if why == "" {
			fmt.Printf("ok\t%s\n", one.sentence)
		} else {
			failures++
			fmt.Printf("FAILED\t%s\t%s\n", one.sentence, strings.Join(strings.Fields(why), " "))
		}
	}
	fmt.Println("end")
	return failures
}

// outcome is empty when the test passes, else why it does not.
func outcome(test func(*client)) (why string) {
	defer func() {
		if problem := recover(); problem != nil {
			why = fmt.Sprint(problem)
		}
	}()
	one := newClient()
	defer one.cleanUp()
	test(one)
	return ""
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func expect(actual, expected interface{}) {
	if !reflect.DeepEqual(actual, expected) {
		panic(fmt.Sprintf("got %#v, expected %#v", actual, expected))
	}
}

func expectPart(whole, part string) {
	if !strings.Contains(whole, part) {
		panic(fmt.Sprintf("%q is missing in %q", part, whole))
	}
}

// unique is a name for a queue or exchange that no other test and no earlier run has used.
func unique(name string) string {
	var octets [6]byte
	_, err := rand.Read(octets[:])
	must(err)
	return "interop.go." + name + "." + hex.EncodeToString(octets[:])
}

// cutConnections cuts every connection through the proxy and returns once it is done.
func cutConnections() {
	control, err := net.Dial("tcp", "127.0.0.1:"+os.Getenv("AMQP_PROXY_CONTROL_PORT"))
	must(err)
	defer control.Close()
	_, err = io.Copy(io.Discard, control)
	must(err)
}
