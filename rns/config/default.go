package config

// DefaultText returns the file that is written where there is none: an instance
// without transport that finds others on the local network. spec: rns-core §23.7
func DefaultText() []byte { return []byte(defaultText) }

const defaultText = `# Configuration of the Reticulum network stack. All Reticulum programs of this
# user read this file. Lines that begin with # have no effect.

[reticulum]

  # Forward traffic for others. Switch this on for machines that stay where they
  # are and are always online, not for phones and laptops.
  enable_transport = False

  # Let the other Reticulum programs on this machine use the interfaces below
  # through the program that was started first.
  share_instance = Yes

  # Instances with different names do not see each other on this machine.
  instance_name = default

  # Where there are no named local sockets, programs meet at these TCP ports of
  # the loopback address instead. To use the ports everywhere, set the type.
  # shared_instance_type = tcp
  # shared_instance_port = 37428
  # instance_control_port = 37429

  # Listen for interfaces that others publish, so that they can be connected to.
  # discover_interfaces = No

  # End the program when an interface fails for good, instead of going on
  # without it.
  # panic_on_interface_error = No

  # Refuse what the operators with these identities have listed as abusive.
  # blackhole_sources = 00112233445566778899aabbccddeeff

[logging]

  # 0 critical, 1 error, 2 warning, 3 notice, 4 info, 5 verbose, 6 debug,
  # 7 path finding, 8 everything
  loglevel = 4

[interfaces]

  # Finds other Reticulum nodes on the same local network, without any
  # infrastructure. To reach further, add blocks like this one:
  #
  #   [[Some server]]
  #     type = TCPClientInterface
  #     enabled = Yes
  #     target_host = example.org
  #     target_port = 4242
  [[Default Interface]]
    type = AutoInterface
    enabled = Yes
`
