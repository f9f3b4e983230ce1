#!/usr/bin/env node
// http2.js MODE BASE_URL COUNT [FIRST] - requests over one HTTP/2 connection of Node, and gRPC calls by grpc-js
//
// session: four at a time on a session of node:http2. grpc: ModelInfer calls of a KServe v2 service by @grpc/grpc-js,
// which NODE_PATH must lead to. What went out is told on stdout, one JSON object a line, as the Python clients do.
'use strict'
const crypto = require('crypto')
const http2 = require('http2')

const PREDICT = '/v1/models/digits:predict'
const INFER = '/inference.GRPCInferenceService/ModelInfer'

function sent (target, type, data) {
  const sum = crypto.createHash('sha256').update(data).digest('hex')
  console.log(JSON.stringify({
    method: 'POST', target, version: '2', content_type: type, complete: true, body_len: data.length, body_sha256: sum
  }))
}

function predict (n) {
  const row = Array.from({ length: 64 }, (_, i) => (i * 7 + n * 13) % 17)
  return Buffer.from(JSON.stringify({ instances: [row], text: `n\u00fcmber ${n}` }))
}

function ask (session, n) {
  const data = predict(n)
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': PREDICT, 'content-type': 'application/json', 'x-request-id': `req-${n}` })
    stream.on('response', (headers) => {
      if (headers[':status'] !== 200) reject(new Error(`status ${headers[':status']}`))
    })
    stream.on('error', reject)
    stream.on('end', () => { sent(PREDICT, 'application/json', data); resolve() })
    stream.resume()
    stream.write(data.subarray(0, 60))
    stream.end(data.subarray(60))
  })
}

async function session (base, numbers) {
  const connection = http2.connect(base)
  while (numbers.length) await Promise.all(numbers.splice(0, 4).map((n) => ask(connection, n)))
  connection.close()
}

// ModelInferRequest: 1 model_name, 3 id, 5 inputs { 1 name, 2 datatype, 3 shape }, 7 raw_input_contents
function inferRequest (n) {
  const text = (number, value) => {
    const data = Buffer.from(value)
    if (data.length > 127) throw new Error('longer than a length of one byte')
    return Buffer.concat([Buffer.from([number << 3 | 2, data.length]), data])
  }
  const values = Buffer.alloc(256)
  for (let i = 0; i < 64; i++) values.writeFloatLE((i * 7 + n * 13) % 17, i * 4)
  const tensor = Buffer.concat([text(1, 'x'), text(2, 'FP32'), text(3, Buffer.from([1, 64]))])
  return Buffer.concat([text(1, 'digits'), text(3, `j${n}`), text(5, tensor), Buffer.from([7 << 3 | 2, 0x80, 0x02]), values])
}

async function grpc (base, numbers) {
  const { Client, credentials, Metadata } = require('@grpc/grpc-js')
  const client = new Client(base.replace('http://', ''), credentials.createInsecure())
  const same = (bytes) => bytes
  for (const n of numbers) {
    const message = inferRequest(n)
    const metadata = new Metadata()
    metadata.set('x-request-id', `req-${n}`)
    await new Promise((resolve, reject) => client.makeUnaryRequest(INFER, same, same, message, metadata,
      (error, answer) => error ? reject(error) : resolve(answer)))
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(message.length, 1)
    sent(INFER, 'application/grpc', Buffer.concat([prefix, message]))
  }
  client.close()
}

async function main () {
  const modes = { session, grpc }
  const [mode, base, count, first] = process.argv.slice(2)
  if (!modes[mode] || !count) {
    console.error('usage: http2.js session|grpc BASE_URL COUNT [FIRST]')
    process.exit(2)
  }
  await modes[mode](base, Array.from({ length: Number(count) }, (_, i) => Number(first || 0) + i))
}

main().catch((error) => { console.error(String(error)); process.exit(1) })
