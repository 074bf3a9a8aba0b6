-- Wireshark dissector for the packets of Whereabouts: announcements and queries on UDP ports 21025 (LAN) and 22025
-- (servers), and on other ports if they are well-formed. docs/wireshark.md says how to install and use it.
-- For Wireshark 3.6 and later, with Lua 5.1 to 5.4.

if set_plugin_info then
  set_plugin_info({
    version = "1.0.0",
    description = "Whereabouts: where is node X?",
    repository = "https://github.com/whereabouts-dev/whereabouts",
  })
end

local PORTS = "21025,22025"
local ANNOUNCEMENT_MAGIC = 0x20121025
local QUERY_MAGIC = 0x19760309
-- Names of groups have at most this many bytes. In a NodeID, a slash ends them.
local MAX_GROUP_LENGTH = 31
-- A client waits this long for an answer, in seconds.
local LOOKUP_TIMEOUT = 5

-- The errors of the codec, in its words.
local DETAILS = {
  ["short"] = "the packet is cut short: decode a whole datagram",
  ["bad-magic"] = "not a packet of this protocol: it starts with neither 0x20121025 nor 0x19760309",
  ["bad-reserved"] = "the two bytes after the port are reserved and must be 0",
  ["bad-id-length"] = "the length of the NodeID is greater than the number of bytes left",
  ["bad-ip-length"] = "the length of the IP must be 0, 4 or 16, and at most the number of bytes left",
  ["trailing"] = "bytes are left over after the packet: decode one datagram at a time",
}

local whereabouts = Proto("whereabouts", "Whereabouts Discovery")

local fields = {
  magic = ProtoField.uint32("whereabouts.magic", "Magic number", base.HEX),
  type = ProtoField.string("whereabouts.type", "Type"),
  port = ProtoField.uint16("whereabouts.port", "Port"),
  reserved = ProtoField.uint16("whereabouts.reserved", "Reserved", base.HEX),
  node_id_length = ProtoField.uint32("whereabouts.node_id_length", "Length of NodeID"),
  node_id = ProtoField.bytes("whereabouts.node_id", "NodeID"),
  node_id_text = ProtoField.string("whereabouts.node_id_text", "NodeID as text"),
  group = ProtoField.string("whereabouts.group", "Group, if the node has one"),
  padding = ProtoField.bytes("whereabouts.padding", "Padding"),
  ip_length = ProtoField.uint32("whereabouts.ip_length", "Length of IP"),
  ip = ProtoField.ipv4("whereabouts.ip", "IP"),
  ipv6 = ProtoField.ipv6("whereabouts.ipv6", "IP"),
  hello = ProtoField.bool("whereabouts.hello", "Hello: asks other nodes to announce themselves"),
  trailing = ProtoField.bytes("whereabouts.trailing", "Bytes after the packet"),
  error = ProtoField.string("whereabouts.error", "Error"),
  error_offset = ProtoField.uint32("whereabouts.error_offset", "Offset of the error"),
  response_in = ProtoField.framenum("whereabouts.response_in", "Answer in", base.NONE, frametype.RESPONSE),
  response_to = ProtoField.framenum("whereabouts.response_to", "Answer to the query in", base.NONE, frametype.REQUEST),
  response_time = ProtoField.relative_time("whereabouts.response_time", "Time from the query to the answer"),
}
whereabouts.fields = fields

local experts = {
  malformed = ProtoExpert.new("whereabouts.malformed", "Malformed packet", expert.group.MALFORMED, expert.severity.ERROR),
  cut = ProtoExpert.new(
    "whereabouts.cut",
    "Only the first bytes of the packet were captured",
    expert.group.UNDECODED,
    expert.severity.NOTE
  ),
  ambiguous = ProtoExpert.new(
    "whereabouts.ambiguous",
    "The same query was sent several times, so it cannot be told which one this answers",
    expert.group.SEQUENCE,
    expert.severity.CHAT
  ),
}
whereabouts.experts = experts

-- Length with padding to whole words.
local function padded(length)
  return length + (-length) % 4
end

-- Determines what the datagram is, in the order of the wire, as the codec does. Returns a table with
--   items:         the fields that are there: {field, offset, length}
--   type:          "announcement" or "query", once its magic number is known
--   error, offset: the codec's error code and offset, if the datagram is malformed
--   is_cut:        whether the capture has too little of the datagram to tell
--   port, node_id, ip: of a well-formed packet: a number, and ranges of bytes, nil if they are empty
local function parse(tvb)
  local size, captured = tvb:reported_len(), tvb:len()
  local packet = { items = {} }

  local function fail(code, offset)
    packet.error, packet.offset = code, offset
    return packet
  end
  -- Adds a field. Returns its bytes, or nil if they are none or were not captured.
  local function add(field, offset, length)
    if offset + length > captured then packet.is_cut = true end
    if packet.is_cut or length == 0 then return nil end
    table.insert(packet.items, { field, offset, length })
    return tvb(offset, length)
  end
  -- Adds a NodeID and its padding. Returns the end of it, or nil if there is an error.
  local function add_node_id(at)
    local length_range = add(fields.node_id_length, at - 4, 4)
    if not length_range then return nil end
    local length = length_range:uint()
    if length > size - at then return nil, fail("bad-id-length", at - 4) end
    packet.node_id = add(fields.node_id, at, length)
    local finish = at + padded(length)
    if size < finish then return nil, fail("short", size) end
    add(fields.padding, at + length, finish - at - length)
    return finish
  end
  local function finish_at(finish)
    if size > finish then
      add(fields.trailing, finish, size - finish)
      packet.is_cut = nil
      return fail("trailing", finish)
    end
    return packet
  end

  if size < 4 then return fail("short", size) end
  local magic_range = add(fields.magic, 0, 4)
  if not magic_range then return packet end
  local magic = magic_range:uint()

  if magic == QUERY_MAGIC then
    packet.type = "query"
    if size < 8 then return fail("short", size) end
    local finish = add_node_id(8)
    if not finish then return packet end
    return finish_at(finish)
  end

  if magic ~= ANNOUNCEMENT_MAGIC then return fail("bad-magic", 0) end
  packet.type = "announcement"
  if size < 8 then return fail("short", size) end
  local port_range = add(fields.port, 4, 2)
  local reserved_range = add(fields.reserved, 6, 2)
  if not reserved_range then return packet end
  packet.port = port_range:uint()
  if reserved_range:uint() ~= 0 then return fail("bad-reserved", 6) end
  if size < 12 then return fail("short", size) end
  local finish = add_node_id(12)
  if not finish or packet.is_cut then return packet end
  if size < finish + 4 then return fail("short", size) end
  local ip_length_range = add(fields.ip_length, finish, 4)
  if not ip_length_range then return packet end
  local ip_length = ip_length_range:uint()
  local ip = finish + 4
  if (ip_length ~= 0 and ip_length ~= 4 and ip_length ~= 16) or ip_length > size - ip then
    return fail("bad-ip-length", finish)
  end
  packet.ip = add(ip_length == 4 and fields.ip or fields.ipv6, ip, ip_length)
  return finish_at(ip + ip_length)
end

-- Characters that control, hide text, change its direction or are private: Unicode's Cc, Cf, Zl, Zp and Co. `whereabouts decode`
-- shows them in hex too, and also all numbers that Unicode has not assigned, which would need a longer table.
local HIDDEN = {
  {0x0, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, {0x600, 0x605}, {0x61c, 0x61c}, {0x6dd, 0x6dd}, {0x70f, 0x70f},
  {0x890, 0x891}, {0x8e2, 0x8e2}, {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
  {0xe000, 0xf8ff}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
  {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe007f},
  {0xf0000, 0xffffd}, {0x100000, 0x10fffd},
}

local function is_hidden(code)
  for _, range in ipairs(HIDDEN) do
    if code <= range[2] then return code >= range[1] end
  end
  return false
end

-- Whether bytes are UTF-8 without hidden characters.
local function is_text(bytes)
  local at = 1
  while at <= #bytes do
    local first = bytes:byte(at)
    local code, more
    if first < 0x80 then
      code, more = first, 0
    elseif first >= 0xc2 and first < 0xe0 then
      code, more = first % 0x20, 1
    elseif first >= 0xe0 and first < 0xf0 then
      code, more = first % 0x10, 2
    elseif first >= 0xf0 and first < 0xf5 then
      code, more = first % 0x08, 3
    else
      return false
    end
    for i = at + 1, at + more do
      local byte = bytes:byte(i)
      if not byte or byte < 0x80 or byte >= 0xc0 then return false end
      code = code * 64 + byte % 64
    end
    local is_overlong = (more == 2 and code < 0x800) or (more == 3 and code < 0x10000)
    if is_overlong or code > 0x10ffff or (code >= 0xd800 and code < 0xe000) then return false end
    if is_hidden(code) then return false end
    at = at + 1 + more
  end
  return #bytes > 0
end

-- The NodeID for people: its text, or 0x and its bytes in hex.
local function show(node_id)
  if not node_id then return "(empty)" end
  local bytes = node_id:bytes()
  local raw = bytes:raw()
  return is_text(raw) and raw or "0x" .. bytes:tohex(true)
end

-- Queries and their answers. An announcement answers a query if it goes back to where the query came from, from where the
-- query went, and has the same NodeID. Packets have no number: if a client has sent the same query again before an answer
-- came, nothing tells which of them an answer belongs to, so neither does this.
local waiting -- lists of queries without an answer, by addresses, ports and NodeID
local answers -- by the frame of the query: the frame of its answer
local queries -- by the frame of the answer: {frame, time} of its query, or {is_ambiguous = true}

function whereabouts.init()
  waiting, answers, queries = {}, {}, {}
end

-- The time between two frames. Wireshark gives their times as floating-point seconds, which are exact to a microsecond.
local function time_between(from, to)
  local microseconds = math.floor((to - from) * 1e6 + 0.5)
  local seconds = math.floor(microseconds / 1e6)
  return NSTime.new(seconds, (microseconds - seconds * 1e6) * 1000)
end

local function match(pinfo, packet)
  if not packet.node_id then return end
  local time = pinfo.abs_ts
  local is_query = packet.type == "query"
  local client_port = is_query and pinfo.src_port or pinfo.dst_port
  local server_port = is_query and pinfo.dst_port or pinfo.src_port
  local client, server = pinfo.src, pinfo.dst
  if not is_query then client, server = server, client end
  -- The addresses are in the key so that lists are short, and are compared below: two of them may be shown by one name.
  local id = packet.node_id:bytes():tohex()
  local key = string.format("%s:%d:%s:%d:%s", tostring(client), client_port, tostring(server), server_port, id)

  local list, candidates = {}, {}
  for _, query in ipairs(waiting[key] or {}) do
    if time - query.time <= LOOKUP_TIMEOUT then
      table.insert(list, query)
      if query.client == client and query.server == server then table.insert(candidates, #list) end
    end
  end
  if is_query then
    -- Two queries are as ambiguous as more, and a flood of them must not make each packet slower than the one before.
    if #candidates == 2 then table.remove(list, candidates[1]) end
    table.insert(list, { frame = pinfo.number, time = time, client = client, server = server })
  elseif #candidates == 1 then
    local query = table.remove(list, candidates[1])
    answers[query.frame] = pinfo.number
    queries[pinfo.number] = { frame = query.frame, time = time_between(query.time, time) }
  elseif #candidates > 1 then
    queries[pinfo.number] = { is_ambiguous = true }
  end
  waiting[key] = #list > 0 and list or nil
end

local function add_match(tree, pinfo, packet)
  if not pinfo.visited then match(pinfo, packet) end
  local answer = packet.type == "query" and answers[pinfo.number]
  if answer then tree:add(fields.response_in, answer):set_generated() end
  local query = packet.type == "announcement" and queries[pinfo.number]
  if not query then return end
  if query.is_ambiguous then
    tree:add_proto_expert_info(experts.ambiguous)
  else
    tree:add(fields.response_to, query.frame):set_generated()
    tree:add(fields.response_time, query.time):set_generated()
  end
end

local function info(packet)
  local id = show(packet.node_id)
  if packet.type == "query" then return "Query " .. id end
  if packet.port == 0 then return "Hello " .. id end
  if not packet.ip then return string.format("Announcement %s, port %d", id, packet.port) end
  if packet.ip:len() == 4 then
    return string.format("Announcement %s at %s:%d", id, tostring(packet.ip:ipv4()), packet.port)
  end
  return string.format("Announcement %s at [%s]:%d", id, tostring(packet.ip:ipv6()), packet.port)
end

local function add_node(tree, node_id)
  local raw = node_id:bytes():raw()
  if not is_text(raw) then return end
  tree:add(fields.node_id_text, node_id, raw):set_generated()
  local slash = raw:find("/", 1, true)
  if slash and slash > 1 and slash <= MAX_GROUP_LENGTH + 1 and slash < #raw then
    tree:add(fields.group, node_id(0, slash - 1), raw:sub(1, slash - 1)):set_generated()
  end
end

local function dissect(tvb, pinfo, root, packet)
  pinfo.cols.protocol = "Whereabouts"
  local tree = root:add(whereabouts, tvb())
  if packet.type then tree:add(fields.type, packet.type):set_generated() end
  for _, item in ipairs(packet.items) do
    tree:add(item[1], tvb(item[2], item[3]))
    if item[1] == fields.node_id then add_node(tree, packet.node_id) end
  end
  if packet.error then
    local place = string.format("%s, at byte %d", packet.error, packet.offset)
    tree:add(fields.error, packet.error):set_generated()
    tree:add(fields.error_offset, packet.offset):set_generated()
    tree:add_proto_expert_info(experts.malformed, DETAILS[packet.error] .. " (" .. place .. ")")
    pinfo.cols.info = "Malformed: " .. place
  elseif packet.is_cut then
    tree:add_proto_expert_info(experts.cut)
    pinfo.cols.info = "Captured only in part" .. (packet.type and ": " .. packet.type or "")
  else
    if packet.port == 0 then tree:add(fields.hello, true):set_generated() end
    add_match(tree, pinfo, packet)
    pinfo.cols.info = info(packet)
  end
end

function whereabouts.dissector(tvb, pinfo, root)
  dissect(tvb, pinfo, root, parse(tvb))
  return tvb:len()
end

DissectorTable.get("udp.port"):add(PORTS, whereabouts)

-- On other ports only well-formed packets are taken: all their lengths fit the datagram, so that others are hardly ever
-- taken for one.
whereabouts:register_heuristic("udp", function(tvb, pinfo, root)
  if tvb:len() < 8 then return false end
  local magic = tvb(0, 4):uint()
  if magic ~= ANNOUNCEMENT_MAGIC and magic ~= QUERY_MAGIC then return false end
  local packet = parse(tvb)
  if packet.error or packet.is_cut then return false end
  dissect(tvb, pinfo, root, packet)
  return true
end)
