// calls.go BASE_URL COUNT [FIRST] - ModelInfer calls of a KServe v2 service by grpc-go
//
// Two calls of three have a deadline and a traceparent of their own: fields that grpc-go puts into HPACK's table, where they
// push older ones out. With HALF=N in the environment it stops after N calls, as grpc_calls.py does. What went out is
// told on stdout, one JSON object a line, as the Python clients do.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

const infer = "/inference.GRPCInferenceService/ModelInfer"

// bytesCodec hands messages through as they are.
type bytesCodec struct{}

func (bytesCodec) Marshal(v interface{}) ([]byte, error) { return *v.(*[]byte), nil }
func (bytesCodec) Unmarshal(data []byte, v interface{}) error {
	*v.(*[]byte) = append([]byte{}, data...)
	return nil
}
func (bytesCodec) Name() string { return "proto" }

func field(number int, data []byte) []byte {
	var length [10]byte
	n := binary.PutUvarint(length[:], uint64(len(data)))
	return append(append([]byte{byte(number<<3 | 2)}, length[:n]...), data...)
}

// inferRequest is a ModelInferRequest: 1 model_name, 3 id, 5 inputs { 1 name, 2 datatype, 3 shape }, 7 raw_input_contents.
func inferRequest(n int) []byte {
	values := make([]byte, 256)
	for i := 0; i < 64; i++ {
		binary.LittleEndian.PutUint32(values[4*i:], math.Float32bits(float32((i*7+n*13)%17)))
	}
	tensor := append(append(field(1, []byte("x")), field(2, []byte("FP32"))...), field(3, []byte{1, 64})...)
	message := append(field(1, []byte("digits")), field(3, []byte(fmt.Sprintf("o%d", n)))...)
	return append(append(message, field(5, tensor)...), field(7, values)...)
}

func call(connection *grpc.ClientConn, n int) error {
	ctx := context.Background()
	if n%3 != 0 {
		bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		ctx = metadata.AppendToOutgoingContext(bounded, "traceparent", fmt.Sprintf("00-%032x-%016x-01", n+1, n+1))
	}
	message, answer := inferRequest(n), []byte{}
	if err := connection.Invoke(ctx, infer, &message, &answer, grpc.ForceCodec(bytesCodec{})); err != nil {
		return err
	}
	prefix := make([]byte, 5)
	binary.BigEndian.PutUint32(prefix[1:], uint32(len(message)))
	body := append(prefix, message...)
	fmt.Printf(`{"method": "POST", "target": %q, "version": "2", "content_type": "application/grpc", "complete": true, `+
		`"body_len": %d, "body_sha256": "%x"}`+"\n", infer, len(body), sha256.Sum256(body))
	return nil
}

func run() error {
	if len(os.Args) < 3 {
		return fmt.Errorf("usage: calls BASE_URL COUNT [FIRST]")
	}
	count, first := 0, 0
	count, _ = strconv.Atoi(os.Args[2])
	if len(os.Args) > 3 {
		first, _ = strconv.Atoi(os.Args[3])
	}
	half, _ := strconv.Atoi(os.Getenv("HALF"))
	connection, err := grpc.Dial(strings.TrimPrefix(os.Args[1], "http://"), grpc.WithInsecure(), grpc.WithBlock())
	if err != nil {
		return err
	}
	defer connection.Close()
	for n := first; n < first+count; n++ {
		if half > 0 && n == first+half {
			fmt.Println(`{"half": true}`)
			bufio.NewReader(os.Stdin).ReadString('\n')
		}
		if err := call(connection, n); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
