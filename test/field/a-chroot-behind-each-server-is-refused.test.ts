/** F02: the chroot was written behind each server, and the client worked below `/app,second:2181/app` with one server only. */
import { connect } from '@lightkeeper/client'
import { expect, test } from 'vitest'

test.each([
  '127.0.0.1:2181/app,127.0.0.1:2182/app',
  '127.0.0.1:2181/app,127.0.0.1:2182',
  '127.0.0.1:2181/a,127.0.0.1:2182/b',
  'zk1:2181/app,zk2:2181/app,zk3:2181/app',
  'zk1/app,zk2/app',
  'zk1:2181/app, zk2:2181/app',
  'zk1:2181/app,\nzk2:2181/app\n',
  'zk1:2181/app,10.0.0.2',
  'zk1:2181/app,[2001:db8::2]:2181',
  'zk1:2181/app,[2001:db8::2]/app',
  'localhost:2181/app,localhost/other',
  'zk1:2181/a/b,zk2:2181/a/b',
  'srv:zk.example.com/app,zk2:2181/app',
])('%j', async (text) => {
  await expect(connect(text)).rejects.toThrow(TypeError)
  await expect(connect(text)).rejects.toThrow(/write the chroot once, behind the last server/)
})
