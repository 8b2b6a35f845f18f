-- A request: sends the selection to the server and notes it down for the hook, which waits for the reply.
local need = ...
local mailbox, message, notes, marker = need ("mailbox"), need ("message"), need ("notes"), need ("marker")
local selection, song, tempo_map = need ("selection"), need ("song"), need ("tempo_map")
local files, json, placing, pulse = need ("files"), need ("json"), need ("placing"), need ("pulse")
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

-- The tracks that sound under the selection, each with the span to send of it; others are left out, and the log says so. Raises
-- a sentence where none sounds.
local function sounding (task, spans, tracks)
	local found, silent = {}, {}
	for _, track in ipairs (tracks) do
		local span, problem = song.surroundings (spans, track, task == "continue")
		if span then
			found[#found + 1] = { track = track, span = span }
		else
			silent[#silent + 1] = problem
		end
	end
	if #found == 0 then error (silent[1], 0) end
	for _, problem in ipairs (silent) do message.log ("Left out: " .. problem) end
	return found
end

-- Bounces each track; its audio as the request names it.
local function sources (name, task, sounds)
	local found = json.array ()
	for index, sound in ipairs (sounds) do
		local path = mailbox.audio (name, index)
		song.bounce (sound.track, sound.span, path, task == "accompany") -- a backing is stereo, whatever the voice is
		found[index] = { source = path, source_position = sound.span.start, track = files.beginning (sound.track:name (), 100) }
	end
	return found
end

local function regions (spans)
	local found = json.array ()
	for index, span in ipairs (spans) do found[index] = { start = span.start, ["end"] = span.stop } end
	return found
end

-- What the hook has to know to place the takes.
local function note (name, task, number, params, spans, sounds)
	local job = {
		name = name, task = task, number = number, start = spans[1].start, stop = spans[#spans].stop, asked = os.time (),
		takes = params.takes or 1, together = params.mode == "together", tracks = json.array (), mailbox = mailbox.folder (),
	}
	for index, sound in ipairs (sounds) do
		local track, playlist = sound.track, sound.track:playlist ()
		job.tracks[index] = {
			track = placing.id (track), name = track:name (), playlist = placing.id (playlist), playlist_name = playlist:name (),
		}
	end
	return job
end

local function request (task)
	refuse_unless_ready ()
	local spans, tracks = selection.read ()
	if task == "continue" and #spans > 1 then
		error (string.format ("There are %d selected ranges, and music continues in one place at a time. Select one range.", #spans), 0)
	end
	local sounds = sounding (task, spans, tracks)
	local name = mailbox.new_name (task)
	local known = notes.read ()
	local params = settings_for (task, known.settings)
	local songs = sources (name, task, sounds)
	params.id, params.title = name, files.beginning (Session:name (), 100)
	if #songs > 1 then
		params.tracks = songs
		params.mode = task == "repaint" and (known.settings.mode or "together") or "each"
	else
		params.source, params.source_position, params.track = songs[1].source, songs[1].source_position, songs[1].track
	end
	if #spans > 1 then
		params.regions = regions (spans)
	else
		params.start, params["end"] = spans[1].start, spans[1].stop
	end
	local last = spans[#spans].stop
	for _, sound in ipairs (sounds) do last = math.max (last, sound.span.stop) end
	params.tempo_map = tempo_map.read (last)
	local job = note (name, task, known.count + 1, params, spans, sounds)
	notes.change (function (found)
		found.count = job.number
		found.jobs[name] = job
	end)
	mailbox.send (name, METHODS[task], params)
	message.log (string.format ("%s %d: %s to %s on %s", task, job.number, tempo_map.bar (job.start), tempo_map.bar (job.stop),
		placing.names (job)))
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
		if mailbox.taken (name, job.mailbox) then
			local sent, problem = pcall (mailbox.send, mailbox.new_name ("cancel"), "cancel", { job = name }, job.mailbox)
			if not sent then message.log ("The server was not asked to stop: " .. tostring (problem)) end
		else
			mailbox.withdraw (name, job.mailbox)
		end
		marker.remove (job)
		message.log (string.format ("%s %d: cancelled", job.task, job.number))
	end
end

return asking
