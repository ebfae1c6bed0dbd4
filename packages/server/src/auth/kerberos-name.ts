/** Which texts may name a user of SASL in an ACL: a name, `name@REALM` or `name/host@REALM` (KerberosName.java). */
export function isKerberosName(text: string): boolean {
  return !text.includes('@') || /^[^/@]*(\/[^/@]*)?@[^/@]*$/.test(text)
}
