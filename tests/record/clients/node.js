#!/usr/bin/env node
// node.js MODE BASE_URL COUNT [FIRST] - requests by Node's fetch (undici) and by http.request, or https.request
//
// What went out is told on stdout, one JSON object a line, as the Python clients do.
'use strict'
const crypto = require('crypto')
const http = require((process.argv[3] || '').startsWith('https:') ? 'https' : 'http')

const PREDICT = '/v1/models/digits:predict'

function body (n) {
  const row = Array.from({ length: 64 }, (_, i) => (i * 7 + n * 13) % 17)
  return Buffer.from(JSON.stringify({ instances: [row], text: `n\u00fcmber ${n}` }))
}

function sent (method, target, data) {
  const sum = crypto.createHash('sha256').update(data).digest('hex')
  console.log(JSON.stringify({
    method, target, version: '1.1', content_type: 'application/json', complete: true,
    body_len: data.length, body_sha256: sum
  }))
}

async function withFetch (base, n) {
  const data = body(n)
  const answer = await fetch(base + PREDICT, {
    method: 'POST', body: data, headers: { 'content-type': 'application/json' }
  })
  await answer.arrayBuffer()
  if (answer.status !== 200) throw new Error(`status ${answer.status}`)
  sent('POST', PREDICT, data)
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })

// without a length Node sends chunks: the first with the head, the rest on their own
function withHttp (base, n) {
  const data = body(n)
  return new Promise((resolve, reject) => {
    const request = http.request(base + PREDICT, {
      method: 'POST', agent, headers: { 'Content-Type': 'application/json' }
    }, (answer) => {
      answer.resume()
      answer.on('end', () => {
        if (answer.statusCode !== 200) return reject(new Error(`status ${answer.statusCode}`))
        sent('POST', PREDICT, data)
        resolve()
      })
    })
    request.on('error', reject)
    request.write(data.subarray(0, 50))
    setTimeout(() => { request.write(data.subarray(50, 90)); request.end(data.subarray(90)) }, 5)
  })
}

async function main () {
  const modes = { fetch: withFetch, http: withHttp }
  const [mode, base, count, first] = process.argv.slice(2)
  if (!modes[mode] || !count) {
    console.error('usage: node.js fetch|http BASE_URL COUNT [FIRST]')
    process.exit(2)
  }
  const pause = 1000 * Number(process.env.PAUSE || 0)
  for (let i = 0; i < Number(count); i++) {
    await new Promise((resolve) => setTimeout(resolve, pause))
    await modes[mode](base, Number(first || 0) + i)
  }
  agent.destroy()
}

main().catch((error) => { console.error(String(error)); process.exit(1) })
