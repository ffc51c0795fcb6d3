package demo

// reticulumConfig is the configuration file of the demonstration: interfaces in
// every state, one block that cannot be read, and comments that must survive
// editing.
const reticulumConfig = `# Configuration of the demonstration. Nothing here reaches a real network: hosts
# and radios are simulated. Hosts whose names begin with "refused", "silent" or
# "unknown" do what they say; every other host is a hub that answers.

[reticulum]
  enable_transport = False
  share_instance = No

[logging]
  loglevel = 4

[interfaces]

  [[Home network]]
    type = AutoInterface
    enabled = Yes

  # The hub of the club. Ask Lena before changing the port.
  [[Oslo Hub]]
    type = TCPClientInterface
    enabled = Yes
    target_host = hub.oslo.example
    target_port = 4242

  [[Melbourne Hub]]
    type = TCPClientInterface
    enabled = Yes
    target_host = hub.melbourne.example
    target_port = 4965
    mode = boundary

  [[Ridge radio]]
    type = RNodeInterface
    enabled = Yes
    port = /dev/ttyACM0
    frequency = 869525000
    bandwidth = 125000
    txpower = 14
    spreadingfactor = 8
    codingrate = 5
    network_name = ridge

  [[Visitors]]
    type = TCPServerInterface
    enabled = Yes
    listen_ip = 0.0.0.0
    listen_port = 4242

  [[Mountain hut]]
    type = TCPClientInterface
    enabled = Yes
    target_host = refused.hut.example
    target_port = 4242

  [[Harbour]]
    type = TCPClientInterface
    enabled = Yes
    target_host = silent.harbour.example
    target_port = 4242

  # Somebody made a mistake here.
  [[Old mast]]
    type = TCPClientInterface
    enabled = Yes
    target_host = mast.example
    target_port = forty-two

  [[Packet modem]]
    type = KISSInterface
    enabled = Yes
    port = /dev/ttyUSB0
    speed = 9600

  [[Field bridge]]
    type = UDPInterface
    enabled = No
    listen_ip = 0.0.0.0
    listen_port = 5000
    forward_ip = 10.0.7.255
    forward_port = 5000
`
