// @ts-check
// The one script of the plain pages: what was read here and has not reached the server goes home, whichever page is opened.
import { somethingWaits } from './parting.js'

const { user } = document.body.dataset
if (user && somethingWaits()) import('./outbox.js').then(({ Outbox }) => new Outbox(user).flush()).catch(error => console.warn(error))
