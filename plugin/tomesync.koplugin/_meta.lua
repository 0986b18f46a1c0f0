local _ = require("gettext")
return {
    fullname = _("TomeSync"),
    description = _([[Keeps reading positions and reading sessions in step with a tomed server, without ever making the reader wait.]]),
}
