--- Random (version 4) UUIDs: every event carries one, so that sending twice is harmless.
local UUID = {}

local function randomBytes(n)
    local source = io.open("/dev/urandom", "rb")
    local bytes = source and source:read(n)
    if source then
        source:close()
    end
    if bytes and #bytes == n then
        return bytes
    end
    -- No such device (Windows, some emulators): unlikely to repeat is enough, nothing here is a secret.
    local made = {}
    for i = 1, n do
        made[i] = string.char(math.random(0, 255))
    end
    return table.concat(made)
end

function UUID.new()
    local b = { randomBytes(16):byte(1, 16) }
    b[7] = 0x40 + b[7] % 0x10
    b[9] = 0x80 + b[9] % 0x40
    return ("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x"):format(unpack(b))
end

return UUID
