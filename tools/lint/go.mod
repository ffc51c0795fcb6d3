module meshchatx/tools/lint

go 1.26
