/** The default theme, with wider tables and our colour. */
import Theme from 'vitepress/theme'
import './site.css'

export default Theme
