-- KOLITE_SETUP of every run: adds to each measured duration the CPU time of KOReader's own thread (`cpu_ms`), which other
-- programs of a shared computer do not lengthen. Loaded before kolite puts its meters in, so they pick these clocks up.
local ffi = require("ffi")
local THREAD_CPUTIME = 3
return function(H)
    local ts = ffi.new("struct timespec")
    local function cpu()
        ffi.C.clock_gettime(THREAD_CPUTIME, ts)
        return tonumber(ts.tv_sec) + tonumber(ts.tv_nsec) / 1e9
    end
    local mono, log = H.mono, H.log
    local begun, older, count, last = {}, {}, 0, nil
    function H.mono()
        local t = mono()
        if count >= 50000 then begun, older, count = {}, begun, 0 end
        begun[t], count = cpu(), count + 1
        return t
    end
    function H.ms_since(t0)
        local at = begun[t0] or older[t0]
        last = at and math.floor((cpu() - at) * 100000 + 0.5) / 100
        return math.floor((mono() - t0) * 10000) / 10
    end
    function H.log(record)
        if record.ms then record.cpu_ms, last = last, nil end
        return log(record)
    end
end
