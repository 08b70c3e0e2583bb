#!/bin/sh
# Generates a client from openapi.json, which is what GET /openapi.json answers, and builds the till on it: build.sh OPENAPI FOLDER
# FOLDER gets the generated client.go beside a copy of the till, and the program.
set -eu
generator=github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2
if [ "$1" = -probe ]; then exec go run $generator -version; fi
openapi=$(realpath "$1")
cp "$(dirname "$0")"/till.go "$(dirname "$0")"/go.mod "$(dirname "$0")"/go.sum "$2"
cd "$2"
go run $generator -generate types,client -package main "$openapi" > client.go
go build -o till .
