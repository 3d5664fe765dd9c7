// Command plain is a Lambda function without a runtime library: it speaks the runtime API as it is documented, and sometimes not.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

var root = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"

func post(path, body string) int {
	res, err := http.Post(root+path, "application/json", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func main() {
	if os.Getenv("CANNOT_START") != "" {
		post("init/error", `{"errorType":"Plain.Init","errorMessage":"cannot start"}`)
		os.Exit(1)
	}
	for {
		res, err := http.Get(root + "invocation/next")
		if err != nil {
			panic(err)
		}
		event, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			panic(err)
		}
		id := res.Header.Get("Lambda-Runtime-Aws-Request-Id")
		switch {
		case bytes.Contains(event, []byte("nonsense")):
			post("invocation/"+id+"/error", "nonsense")
		default:
			wrong := post("invocation/another/response", "{}")
			right := post("invocation/"+id+"/response", fmt.Sprintf(`{"wrong":%d}`, wrong))
			twice := post("invocation/"+id+"/response", "{}")
			fmt.Println(right, twice)
		}
	}
}
