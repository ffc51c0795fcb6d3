// Package rncp copies files between nodes: a listener takes files and hands files
// out, and Send and Fetch do the other half. Files go from and to the disk piece
// by piece; a transfer costs about a megabyte of memory whatever its size.
//
// What arrives is written under an unfinished name in the directory for
// received files, which it cannot leave, and gets its real name when it is
// complete and on the disk. Only then is it proved to the sender.
//
// spec: rns-link §13.2
package rncp
