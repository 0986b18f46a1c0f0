-- What KOReader's base gives its Lua: forks, pipes, clocks. Real processes, a clock that a scenario can fast-forward.
local ffi = require("ffi")
local C = ffi.C
ffi.cdef[[
typedef struct { long tv_sec; long tv_nsec; } standin_timespec;
int clock_gettime(int, standin_timespec *);
int pipe(int[2]); int fork(void); int close(int); int kill(int, int); int setpgid(int, int); int waitpid(int, int *, int); int getpid(void);
long read(int, void *, unsigned long); long write(int, const void *, unsigned long); int ioctl(int, unsigned long, ...); int usleep(unsigned);
void _exit(int);
]]
local K = { clock_offset = 0, asleep = 0, wall_error = 0, children = {}, pid = C.getpid() }

local ts = ffi.new("standin_timespec")
function K.mono()
    C.clock_gettime(1, ts)
    return tonumber(ts.tv_sec) + tonumber(ts.tv_nsec) / 1e9
end
--- Seconds of processor time this process had (its one thread): other programs of the computer don't lengthen it.
function K.cpu()
    C.clock_gettime(3, ts)
    return tonumber(ts.tv_sec) + tonumber(ts.tv_nsec) / 1e9
end
function K.uptime() return K.mono() + K.clock_offset end -- does not tick while asleep
function K.boottime() return K.mono() + K.clock_offset + K.asleep end

local real_time, real_date = os.time, os.date
function os.time(t) -- luacheck: ignore 122
    return t and real_time(t) or math.floor(real_time() + K.clock_offset + K.asleep + K.wall_error)
end
function os.date(format, t) -- luacheck: ignore 122
    return real_date(format, t or os.time())
end

function K.sleep(seconds) C.usleep(seconds * 1e6) end

local FIONREAD, WNOHANG = 0x541B, 1
K.ffiutil = {}
local U = K.ffiutil

function U.runInSubProcess(f, with_pipe)
    if K.fork_fails then
        return false, "fork failed: Resource temporarily unavailable"
    end
    local fds = ffi.new("int[2]")
    if with_pipe then C.pipe(fds) end
    io.stdout:flush()
    local pid = C.fork()
    if pid == 0 then
        C.setpgid(0, 0)
        if with_pipe then C.close(fds[0]) end
        local ok, err = xpcall(function() f(C.getpid(), with_pipe and fds[1] or nil) end, debug.traceback)
        if not ok then io.stderr:write("error in subprocess: ", tostring(err), "\n") end
        C._exit(0)
    end
    if with_pipe then C.close(fds[1]) end
    K.children[pid] = true
    return pid, with_pipe and fds[0] or nil
end
function U.isSubProcessDone(pid, wait)
    local done = C.waitpid(pid, ffi.new("int[1]"), wait and 0 or WNOHANG) ~= 0
    if done then K.children[pid] = nil end
    return done
end
function U.terminateSubProcess(pid) C.kill(-pid, 9); C.kill(pid, 9) end
function U.getNonBlockingReadSize(fd)
    local n = ffi.new("int[1]")
    C.ioctl(fd, FIONREAD, n)
    return tonumber(n[0])
end
function U.writeToFD(fd, data, close)
    local n = C.write(fd, data, #data)
    if close then C.close(fd) end
    return tonumber(n) == #data
end
function U.readAllFromFD(fd)
    local buffer, parts = ffi.new("char[8192]"), {}
    while true do
        local n = tonumber(C.read(fd, buffer, 8192))
        if n <= 0 then break end
        parts[#parts + 1] = ffi.string(buffer, n)
    end
    C.close(fd)
    return table.concat(parts)
end
function U.template(text, ...)
    local args = { ... }
    return (text:gsub("%%(%d)", function(i) return tostring(args[tonumber(i)]) end))
end
function U.fsyncOpenedFile() return true end
function U.fsyncDirectory() return true end
function U.basename(path) return path:match("[^/]*$") end
function U.dirname(path) return path:match("^(.*)/[^/]*$") or "." end

function K.childrenAlive() return next(K.children) ~= nil end
-- KOReader dies on the spot: no event, no flush, children orphaned.
function K.crash() io.stdout:flush(); C._exit(9) end

return K
