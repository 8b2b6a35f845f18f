-- A request: sends the selection to the server and notes it down for the hook, which waits for the reply.
local need = ...
local mailbox, message, notes, marker = need ("mailbox"), need ("message"), need ("notes"), need ("marker")
local song, tempo_map, placing, pulse = need ("song"), need ("tempo_map"), need ("placing"), need ("pulse")
local asking = {}

local METHODS = { repaint = "repaint", continue = "complete", accompany = "accompany", extract = "extract" }
local SETTINGS = {
	repaint = { "prompt", "key", "takes", "strength" },
	continue = { "prompt", "key", "takes", "strength" },
	accompany = { "prompt", "key", "takes", "strength" },
	extract = { "stems" },
}

local function refuse_unless_ready ()
	if not pulse.felt () then
		error ("The hook that places takes in Ardour is not running. Open Edit > Lua Scripts > Script Manager, Action Hooks, "
			.. "New Hook, choose \"Takebridge: Place takes\" and press Add; then press the key again.", 0)
	end
	if not mailbox.open () then error ("The Takebridge server is not running. " .. message.START, 0) end
end

local function settings_for (task, settings)
	local found = {}
	for _, name in ipairs (SETTINGS[task]) do
		if settings[name] ~= "" then found[name] = settings[name] end
	end
	return found
end

local function request (task)
	refuse_unless_ready ()
	local start, stop, track = song.selection ()
	local span = song.surroundings (start, stop, track, task == "continue")
	local name = mailbox.new_name (task)
	local known = notes.read ()
	local params = settings_for (task, known.settings)
	song.bounce (track, span, mailbox.audio (name), task == "accompany") -- a backing is stereo, whatever the voice is
	params.id, params.source, params.source_position = name, mailbox.audio (name), span.start
	params.start, params["end"] = start, stop
	params.tempo_map = tempo_map.read (math.max (stop, span.stop))
	params.title, params.track = Session:name ():sub (1, 100), track:name ():sub (1, 100)
	local job = {
		name = name, task = task, number = known.count + 1, start = start, stop = stop, asked = os.time (),
		track = placing.id (track), track_name = track:name (),
		playlist = placing.id (track:playlist ()), playlist_name = track:playlist ():name (),
	}
	notes.change (function (found)
		found.count = job.number
		found.jobs[name] = job
	end)
	mailbox.send (name, METHODS[task], params)
	message.log (string.format ("%s %d: %s to %s on %s", task, job.number, tempo_map.bar (start), tempo_map.bar (stop),
		job.track_name))
	marker.show (job, "sent")
end

-- Requests a task for the selection. Errors appear in a window.
function asking.ask (task)
	local fine, problem = pcall (request, task)
	if not fine then message.warn (tostring (problem)) end
end

-- Cancels every request of this session.
function asking.cancel ()
	local jobs = notes.read ().jobs
	if not next (jobs) then
		message.inform ("No request of this session is running, so there is nothing to cancel.")
		return
	end
	notes.change (function (found) found.jobs = {} end)
	for name, job in pairs (jobs) do
		if mailbox.taken (name) then
			mailbox.send (mailbox.new_name ("cancel"), "cancel", { job = name })
		else
			mailbox.withdraw (name)
		end
		marker.remove (job)
		message.log (string.format ("%s %d: cancelled", job.task, job.number))
	end
end

return asking
