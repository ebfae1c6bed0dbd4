// @ts-check
import * as lib from '@lightkeeper/client'
import { story } from './story.mjs'

await story(lib, globalThis.process.argv[2] ?? '')
