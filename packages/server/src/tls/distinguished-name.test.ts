/** Names as `new X500Principal(bytes).getName()` of JDK 25 prints them. JDK 17 reads BMPString and T61String as UTF-8 and prints other letters. */
import { expect, test } from 'vitest'
import { readDer } from './der.ts'
import { distinguishedName } from './distinguished-name.ts'

test.each([
  [
    '3038311e301c060a0992268993f22c6401011e0e0042003b0022002f0020000d00403109300706035504031400310b3009060355040c14023e23',
    '2.5.4.12=#14023e23,CN=,UID=B\\;\\"/ \r@',
  ],
  [
    '3028310b3009060355040b1e02002731193008060355040816010d300d06035504040c0639e282ac0a00',
    "ST=\\\r+2.5.4.4=#0c0639e282ac0a00,OU='",
  ],
  ['3027310b300906035504081e020078310c300a06035504091303272020310a30080603550407130178', "L=x,STREET='\\ \\ ,ST=x"],
  [
    '3034311e301206092a864886f70d01090114052b0d27ac2f3008060355040516010931123010060a0992268993f22c6401191402a00a',
    'DC=\u00a0\n,1.2.840.113549.1.9.1=#14052b0d27ac2f+2.5.4.5=#160109',
  ],
  [
    '302f3110300e060355040914072eac2d0d092722310d300b060355042a1404fc2a0061310c300a06035504031b033c7c69',
    'CN=\\<|i,2.5.4.42=#1404fc2a0061,STREET=.¬-\r\t\'\\"',
  ],
])('%s', (hex, text) => {
  const bytes = new Uint8Array(Buffer.from(hex, 'hex'))
  expect(distinguishedName(readDer(bytes))).toBe(text)
})
