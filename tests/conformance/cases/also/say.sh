#!/bin/sh
echo said by a script
