package resource

import "slices"

// appendMetadataBlock appends the block that begins segment 1 of a resource with metadata. spec: rns-link §8.1
func appendMetadataBlock(b, metadata []byte) []byte {
	n := len(metadata)
	return append(append(b, byte(n>>16), byte(n>>8), byte(n)), metadata...)
}

// splitMetadata takes the metadata block off the content of segment 1. Both results alias content. spec: rns-link §8.7
func splitMetadata(content []byte) (metadata, data []byte, err error) {
	if len(content) < metadataHeader {
		return nil, nil, ErrMetadata
	}
	n := int(content[0])<<16 | int(content[1])<<8 | int(content[2])
	rest := content[metadataHeader:]
	if n > len(rest) {
		return nil, nil, ErrMetadata
	}
	return slices.Clip(rest[:n:n]), rest[n:], nil
}
