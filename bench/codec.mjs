// @ts-check
/** How fast the codec is. */
import { cpus } from 'node:os'
import {
  Framer,
  Reader,
  readGetDataResponse,
  readPathWatchRequest,
  Writer,
  writeGetDataResponse,
  writePathWatchRequest,
} from '@lightkeeper/protocol'
import { Bench } from 'tinybench'

const stat = {
  czxid: 0x1_0000_0001n,
  mzxid: 0x1_0000_0002n,
  ctime: 1_700_000_000_000n,
  mtime: 1_700_000_000_001n,
  version: 3,
  cversion: 4,
  aversion: 0,
  ephemeralOwner: 0n,
  dataLength: 128,
  numChildren: 2,
  pzxid: 0x1_0000_0003n,
}
const value = { data: new Uint8Array(128), stat }
const writer = new Writer(4096)
writeGetDataResponse(writer, value)
const reply = writer.written().slice()
writer.clear()
writePathWatchRequest(writer, { path: '/services/users/instance-0000000001', watch: false })
const request = writer.written().slice()
writer.clear()
for (let i = 0; i < 64; i++) {
  const mark = writer.beginFrame()
  writer.raw(request)
  writer.endFrame(mark)
}
const frames = writer.written().slice()
const framer = new Framer()
const reader = new Reader(reply)

const bench = new Bench({ time: 500 })
bench.add('decode GetDataResponse, 128 bytes', () => void readGetDataResponse(reader.reset(reply, 0, reply.length)))
bench.add('encode GetDataResponse, 128 bytes', () => {
  writer.clear()
  writeGetDataResponse(writer, value)
})
bench.add('decode a getData request', () => void readPathWatchRequest(reader.reset(request, 0, request.length)))
bench.add('64 frames of one chunk', () => {
  framer.push(frames)
  while (framer.next() !== undefined);
})
await bench.run()
for (const { name, result } of bench.tasks) {
  const perSecond = result !== undefined && 'throughput' in result ? result.throughput.mean : 0
  console.log(`${name.padEnd(36)} ${(perSecond / 1e6).toFixed(2).padStart(7)} M/s`)
}
console.log(`${cpus()[0]?.model}, Node ${process.version}`)
