/** Answers of Apache ZooKeeper 3.9 and of our server, word by word. */
import { expect, test } from 'vitest'
import { figuresIn, serverLinesIn } from './words.ts'

test('srvr', () => {
  const text = `Zookeeper version: 3.9.4-7246445ec281f3dbf53dc54e970c914f39713903, built on 2025-08-19 19:53 UTC
Latency min/avg/max: 0/0.5/11
Received: 17
Sent: 16
Connections: 1
Outstanding: 0
Zxid: 0x100000002
Mode: follower
Node count: 5
`
  expect(serverLinesIn(text)).toEqual({
    version: '3.9.4',
    zxid: '0x100000002',
    mode: 'follower',
    connections: 1,
    outstanding: 0,
    latency: '0/0.5/11',
  })
  expect(serverLinesIn('')).toEqual({})
})

test('mntr', () => {
  expect(figuresIn('zk_version\t3.9.4\nzk_znode_count\t5\nnonsense\n')).toEqual({ version: '3.9.4', znode_count: '5' })
})
