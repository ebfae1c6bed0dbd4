/** CommonJS compiled by TypeScript: `require` of an ES module, which Node has since 20.19. */
import client = require('@lightkeeper/client')

const use = (text: string): Promise<client.Client> => client.connect(text, { onExpired: 'close' })

export = use
