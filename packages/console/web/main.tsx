/** The start of the web application. */
import { render } from 'preact'
import { App } from './app.tsx'
import { takeToken } from './lib/api.ts'
import './styles.css'

takeToken()
const root = document.getElementById('app')
if (root !== null) render(<App />, root)
