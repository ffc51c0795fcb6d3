import { createApp } from 'vue'
import { i18n } from './lib/text'
import { startTheme } from './lib/theme'
import { router } from './router'
import App from './shell/App.vue'
import './styles/tokens.css'

startTheme()
createApp(App).use(i18n).use(router).mount('#app')
